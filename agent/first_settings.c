/* See first_settings.h.
 *
 * Values become single-quoted YAML, in which a quotation mark is doubled and
 * nothing else has a meaning: a backslash of a Windows path stays one.  The
 * result goes through the agent's own reader before it is written, so that an
 * installation with a wrong address fails there and then, and not on the host. */
#include "agent/first_settings.h"

#include "config/agent_config.h"
#include "plat/files.h"
#include "plat/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_MAX = 16 * 1024, PROBLEMS_MAX = 16 * 1024 };

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool first_settings_wanted(const struct first_settings *s)
{
    return s->hub != NULL || s->enroll_token_file != NULL || s->token_file != NULL || s->ca_file != NULL ||
           s->cluster != NULL;
}

static void add_value(struct buf *out, const char *key, const char *value)
{
    if (!given(value))
        return;
    buf_printf(out, "  %s: '", key);
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\'')
            buf_char(out, '\'');
        buf_char(out, *p);
    }
    buf_str(out, "'\n");
}

/* A line end would end a YAML value too, or be folded into a blank. */
static int check_plain(const struct first_settings *s, struct err *e)
{
    const char *const values[] = { s->hub, s->enroll_token_file, s->token_file, s->ca_file, s->cluster };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (const char *p = values[i]; p != NULL && *p != '\0'; p++)
            if ((unsigned char)*p < ' ' || *p == 0x7f)
                return err_set(e, ERR_INVALID, "a setting has a control character in it");
    return 0;
}

static int check(const struct buf *text, struct err *e)
{
    struct agent_config *config = malloc(sizeof *config);
    struct buf problems;
    int rc;

    if (config == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    buf_init(&problems, PROBLEMS_MAX);
    rc = agent_config_parse("agent.yaml", buf_text(text), text->len, config, &problems);
    if (rc != 0)
        rc = err_set(e, ERR_INVALID, "%.*s", (int)strcspn(buf_text(&problems), "\n"), buf_text(&problems));
    buf_free(&problems);
    free(config);
    return rc;
}

int first_settings_text(const struct first_settings *s, struct buf *out, struct err *e)
{
    int rc = check_plain(s, e);

    if (rc != 0)
        return rc;
    buf_str(out, "# Settings of hvagent, written when it was installed.  agent.yaml.example shows every\n"
                 "# key; `hvagent check-config` checks changes, `hvagent service reload` makes them count.\n"
                 "hub:\n");
    if (!given(s->hub))
        buf_str(out, "  # Where observations are sent; until it is set they are kept on this host.\n"
                     "  url: ''\n");
    add_value(out, "url", s->hub);
    add_value(out, "enroll_token_file", s->enroll_token_file);
    add_value(out, "token_file", s->token_file);
    add_value(out, "ca_file", s->ca_file);
    if (given(s->cluster))
        buf_str(out, "host:\n");
    add_value(out, "cluster", s->cluster);
    if (buf_error(out) != ERR_OK)
        return err_set(e, buf_error(out), "the settings are too long");
    return check(out, e);
}

static int put(const char *path, const struct buf *text, struct err *e)
{
    FILE *f = fopen(path, "wb");
    bool good;

    if (f == NULL)
        return err_errno(e, errno, "cannot write %s", path);
    good = fwrite(buf_text(text), 1, text->len, f) == text->len;
    good = fclose(f) == 0 && good;
    if (good)
        return 0;
    plat_remove_tree(path);
    return err_set(e, ERR_IO, "cannot write %s: is the disk full?", path);
}

int first_settings_write(const char *path, const struct first_settings *s, bool *made, struct err *e)
{
    const struct files *files = plat_files();
    struct file_info there;
    struct buf text;
    int rc = files->ops->stat(files, path, &there, e);

    *made = false;
    if (rc != ERR_NOT_FOUND)
        return rc;
    buf_init(&text, SETTINGS_MAX);
    rc = first_settings_text(s, &text, e);
    if (rc == 0)
        rc = put(path, &text, e);
    *made = rc == 0;
    buf_free(&text);
    return rc;
}
