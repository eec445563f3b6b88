/* Every file of the settings is looked at, each as what it is. */
#include "agent/settings_trust.h"
#include "base/text.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PROBLEMS_MAX = 4096 };

struct fixture {
    struct agent_config *config;
    const char *dir;
    struct buf problems;
};

static void begin(struct fixture *f)
{
    f->config = malloc(sizeof *f->config);
    ck_assert_ptr_nonnull(f->config);
    agent_config_defaults(f->config);
    f->dir = temp_dir();
    ck_assert_int_eq(chmod(f->dir, 0755), 0); /* else it closes what is in it */
    buf_init(&f->problems, PROBLEMS_MAX);
}

static void end(struct fixture *f)
{
    buf_free(&f->problems);
    free(f->config);
}

static void name_file(struct fixture *f, char setting[CONFIG_TEXT_MAX], const char *name, mode_t mode)
{
    const char *path = write_file(f->dir, name, "x", 1);

    ck_assert_int_eq(chmod(path, mode), 0);
    ck_assert(text_copy(setting, CONFIG_TEXT_MAX, path));
}

START_TEST(settings_without_files_are_trusted)
{
    struct fixture f;

    begin(&f);
    ck_assert_int_eq(settings_trusted(f.config, NULL, &f.problems), 0);
    ck_assert_str_eq(buf_text(&f.problems), "");
    end(&f);
}
END_TEST

START_TEST(certificates_may_be_read_by_all_but_keys_and_tokens_may_not)
{
    struct fixture f;

    begin(&f);
    name_file(&f, f.config->hub.ca_file, "ca.pem", 0644);
    name_file(&f, f.config->hub.cert_file, "agent.pem", 0644);
    name_file(&f, f.config->hub.key_file, "agent.key", 0640);
    name_file(&f, f.config->hub.token_file, "token", 0600);
    ck_assert_msg(settings_trusted(f.config, NULL, &f.problems) == 0, "%s", buf_text(&f.problems));
    name_file(&f, f.config->hub.key_file, "agent.key", 0644);
    ck_assert_int_eq(settings_trusted(f.config, NULL, &f.problems), ERR_PERMISSION);
    ck_assert_msg(strncmp(buf_text(&f.problems), "hub.key_file: ", 14) == 0, "%s", buf_text(&f.problems));
    end(&f);
}
END_TEST

START_TEST(a_certificate_file_that_holds_its_key_is_a_secret)
{
    struct fixture f;

    begin(&f);
    name_file(&f, f.config->hub.cert_file, "agent.p12", 0644);
    ck_assert_int_eq(settings_trusted(f.config, NULL, &f.problems), ERR_PERMISSION);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.problems), "hub.cert_file: "));
    end(&f);
}
END_TEST

START_TEST(every_file_at_fault_has_a_line_of_its_own)
{
    struct fixture f;
    char path[CONFIG_TEXT_MAX];
    const char *first;

    begin(&f);
    name_file(&f, path, "agent.yaml", 0666);
    name_file(&f, f.config->hub.token_file, "token", 0644);
    ck_assert_int_eq(settings_trusted(f.config, path, &f.problems), ERR_PERMISSION);
    first = strchr(buf_text(&f.problems), '\n');
    ck_assert_ptr_nonnull(first);
    ck_assert_msg(strncmp(first + 1, "hub.token_file: ", 16) == 0, "%s", buf_text(&f.problems));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.problems), "agent.yaml"));
    end(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, settings_without_files_are_trusted);
    suite_test(s, certificates_may_be_read_by_all_but_keys_and_tokens_may_not);
    suite_test(s, a_certificate_file_that_holds_its_key_is_a_secret);
    suite_test(s, every_file_at_fault_has_a_line_of_its_own);
}

int main(void)
{
    return suite_main("agent: settings trust", add);
}
