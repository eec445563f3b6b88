/* hvhub enroll, hvhub ca: who may enrol, who has, and taking it away again.  They work on the store itself, also
 * while the hub runs. */
#include "base/text.h"
#include "base/times.h"
#include "config/yaml_value.h"
#include "hub/ca.h"
#include "hub/commands.h"
#include "hub/enroll_token.h"
#include "hub/hub.h"
#include "plat/clock.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USES_MAX = 100000, NOTE_MAX = 300, EVENTS_SHOWN = 50 };

#define DAY_NS (INT64_C(86400) * NS_PER_S)

struct asked {
    const char *cluster, *uses, *expires, *host, *agent, *certificate, *config;
};

static const char *time_text(int64_t ns, char out[TIMES_TEXT_MAX])
{
    return ns != 0 ? times_format(ns / NS_PER_S * NS_PER_S, out) : "never";
}

static enum exit_code fail(const char *command, const struct err *e)
{
    fprintf(stderr, "hvhub %s: %s\n", command, e->text);
    return EXIT_FAILED;
}

static int open_store(const struct hub_config *c, bool read_only, struct fleet_store **out, struct err *e)
{
    struct fleet_store_options options = {
        .path = hub_store_path(c),
        .read_only = read_only,
        .floors = &c->floors,
        .clock = plat_clock(),
    };

    return fleet_store_open(out, &options, e);
}

/* Who runs this, for the account. */
static void name_user(char *out, size_t size)
{
    const struct passwd *p = getpwuid(getuid());

    snprintf(out, size, "by %s", p != NULL ? p->pw_name : "an unknown user");
}

static bool right_user(const struct hub_config *c)
{
    char folder[CA_PATH_MAX];

    ca_folder(c, folder);
    return runs_as_owner(folder);
}

/* ---- ca ------------------------------------------------------------------------------------- */

/* Says so when there is no TLS to enrol over. */
static void warn_of_no_tls(const struct hub_config *c)
{
    if (c->cert_file[0] == '\0')
        fputs("hvhub: agents enrol over TLS alone: write tls.cert_file and tls.key_file\n", stderr);
}

static int ensure_ca(const struct hub_config *c, bool *made, struct err *e)
{
    char folder[CA_PATH_MAX];
    struct ca *ca = NULL;
    int rc;

    *made = false;
    ca_folder(c, folder);
    rc = ca_load(&ca, folder, e);
    if (rc == ERR_NOT_FOUND) {
        rc = ca_make(folder, e);
        *made = rc == 0;
    }
    ca_free(ca);
    return rc;
}

static enum exit_code ca_init(const struct hub_config *c)
{
    char folder[CA_PATH_MAX];
    struct err e = { 0 };

    ca_folder(c, folder);
    if (ca_make(folder, &e) != 0)
        return fail("ca", &e);
    printf("made a CA in %s; keep ca.key secret, and with the backups\n", folder);
    warn_of_no_tls(c);
    return EXIT_DONE;
}

static enum exit_code ca_show(const struct hub_config *c)
{
    char folder[CA_PATH_MAX], a[TIMES_TEXT_MAX], b[TIMES_TEXT_MAX];
    int64_t from, until;
    struct err e = { 0 };
    struct ca *ca;

    ca_folder(c, folder);
    if (ca_load(&ca, folder, &e) != 0)
        return fail("ca", &e);
    ca_times(ca, &from, &until);
    printf("%s, from %s until %s\n%s", folder, time_text(from, a), time_text(until, b), ca_pem(ca));
    ca_free(ca);
    return EXIT_DONE;
}

int cmd_ca(int argc, char **argv)
{
    const char *path = NULL, *words[2];
    const struct option_spec specs[] = { { "--config", &path } };
    struct hub_config *c = malloc(sizeof *c);
    enum exit_code code = EXIT_USAGE;
    bool init, show;

    if (c == NULL)
        return EXIT_FAILED;
    if (read_options(argc, argv, specs, 1, words, 1)) {
        init = words[0] != NULL && strcmp(words[0], "init") == 0;
        show = words[0] != NULL && strcmp(words[0], "show") == 0;
        if (!init && !show)
            fputs("usage: hvhub ca init|show [--config F]\n", stderr);
        else
            code = load_config(path, c);
        if (code == EXIT_DONE && init && !right_user(c))
            code = EXIT_FAILED;
        if (code == EXIT_DONE)
            code = init ? ca_init(c) : ca_show(c);
    }
    free(c);
    return code;
}

/* ---- new ------------------------------------------------------------------------------------ */

static bool read_numbers(const struct asked *a, struct fleet_token *t)
{
    uint64_t uses = 1;
    static const struct yaml_key expires = { "--expires", YAML_DURATION, .min = NS_PER_S, .max = 365 * DAY_NS };
    int64_t length = DAY_NS;
    char why[YAML_WHY_MAX];

    if (a->uses != NULL && (!text_u64(a->uses, &uses) || uses == 0 || uses > USES_MAX)) {
        fprintf(stderr, "hvhub enroll: --uses %s: write a number from 1 to %d\n", a->uses, USES_MAX);
        return false;
    }
    if (a->expires != NULL && !yaml_value_read(&expires, a->expires, strlen(a->expires), true, &length, why)) {
        fprintf(stderr, "hvhub enroll: --expires: %s\n", why);
        return false;
    }
    t->uses = t->uses_left = (int64_t)uses;
    t->created = plat_clock()->wall_ns(plat_clock());
    t->expires = t->created + length;
    return true;
}

static enum exit_code enroll_new(const struct hub_config *c, struct fleet_store *s, const struct asked *a)
{
    char text[ENROLL_TOKEN_TEXT_MAX], user[NOTE_MAX], expires[TIMES_TEXT_MAX];
    struct fleet_token t = { .revoked = 0 };
    struct err e = { 0 };
    bool made;

    if (!read_numbers(a, &t))
        return EXIT_USAGE;
    if (a->cluster != NULL && !text_copy(t.cluster, sizeof t.cluster, a->cluster)) {
        fputs("hvhub enroll: --cluster is too long\n", stderr);
        return EXIT_USAGE;
    }
    enroll_token_make(text, t.id, t.digest);
    name_user(user, sizeof user);
    if (ensure_ca(c, &made, &e) != 0 || fleet_token_make(s, &t, user, &e) != 0)
        return fail("enroll", &e);
    printf("%s\n", text);
    fprintf(stderr, "token %s: %lld use%s, until %s%s%s; it is not shown again\n", t.id, (long long)t.uses,
            t.uses == 1 ? "" : "s", time_text(t.expires, expires), t.cluster[0] != '\0' ? ", for cluster " : "",
            t.cluster);
    if (made)
        fputs("made the hub's CA; a hub that runs takes it up within ten seconds\n", stderr);
    warn_of_no_tls(c);
    return EXIT_DONE;
}

/* ---- list ------------------------------------------------------------------------------------ */

struct listing {
    int64_t now;
    int tokens, issued, bound, banned, events;
};

static const char *token_state(const struct fleet_token *t, int64_t now)
{
    if (t->revoked > 0)
        return "revoked";
    if (t->expires <= now)
        return "expired";
    return t->uses_left == 0 ? "used up" : "good";
}

static void list_token(void *arg, const struct fleet_token *t)
{
    struct listing *l = arg;
    char until[TIMES_TEXT_MAX];

    if (l->tokens++ == 0)
        printf("%-13s %-8s %15s  %-20s  %s\n", "TOKEN", "STATE", "USES LEFT", "UNTIL", "CLUSTER");
    printf("%-13s %-8s %7lld of %4lld  %-20s  %s\n", t->id, token_state(t, l->now), (long long)t->uses_left,
           (long long)t->uses, time_text(t->expires, until), t->cluster[0] != '\0' ? t->cluster : "-");
}

static void list_issued(void *arg, const struct fleet_issued *c)
{
    struct listing *l = arg;
    char until[TIMES_TEXT_MAX];
    const char *state = c->revoked > 0 ? "revoked" : c->expires <= l->now ? "expired" : "good";

    if (l->issued++ == 0)
        printf("\n%-32s  %-8s %-20s  %-36s  %s\n", "CERTIFICATE", "STATE", "UNTIL", "AGENT", "HOST");
    printf("%-32s  %-8s %-20s  %-36s  %s\n", c->serial, state, time_text(c->expires, until), c->agent_id, c->host_id);
}

static void list_bound(void *arg, const struct fleet_bound *b)
{
    struct listing *l = arg;

    if (l->bound++ == 0)
        printf("\n%-36s  %-36s  %s\n", "AGENT", "HOST", "BELONGS TO");
    printf("%-36s  %-36s  %s\n", b->agent_id, b->host_id, b->holder);
}

static void list_banned(void *arg, const char *host_id, int64_t since)
{
    struct listing *l = arg;
    char time[TIMES_TEXT_MAX];

    if (l->banned++ == 0)
        printf("\n%-36s  %s\n", "REVOKED HOST", "SINCE");
    printf("%-36s  %s\n", host_id, time_text(since, time));
}

static void list_event(void *arg, const struct fleet_identity_event *ev)
{
    struct listing *l = arg;
    char time[TIMES_TEXT_MAX];

    if (l->events++ == 0)
        printf("\n%-20s  %-9s %-13s %-16s  %-36s  %-36s  %s\n", "TIME", "WHAT", "TOKEN", "ADDRESS", "AGENT", "HOST",
               "WHY");
    printf("%-20s  %-9s %-13s %-16s  %-36s  %-36s  %s\n", time_text(ev->time, time), ev->what,
           ev->token_id[0] != '\0' ? ev->token_id : "-", ev->address[0] != '\0' ? ev->address : "-",
           ev->agent_id[0] != '\0' ? ev->agent_id : "-", ev->host_id[0] != '\0' ? ev->host_id : "-", ev->text);
}

static enum exit_code enroll_list(struct fleet_store *s)
{
    struct listing l = { .now = plat_clock()->wall_ns(plat_clock()) };
    struct fleet_identity_reader r = { &l, list_token, list_issued, list_bound, list_banned, list_event, EVENTS_SHOWN };
    struct err e = { 0 };

    if (fleet_identity_read(s, &r, &e) != 0)
        return fail("enroll", &e);
    if (l.tokens + l.issued + l.bound + l.banned == 0)
        puts("nothing yet; `hvhub enroll new` makes a token");
    return EXIT_DONE;
}

/* ---- revoke, forget ------------------------------------------------------------------------------ */

static enum exit_code enroll_revoke(struct fleet_store *s, const struct asked *a, const char *token)
{
    const char *id = token != NULL ? token : a->host != NULL ? a->host : a->certificate;
    enum fleet_revoke what = token != NULL ? REVOKE_TOKEN : a->host != NULL ? REVOKE_HOST : REVOKE_CERTIFICATE;
    char note[NOTE_MAX], user[NOTE_MAX / 2];
    struct err e = { 0 };
    int count;

    if ((token != NULL) + (a->host != NULL) + (a->certificate != NULL) != 1) {
        fputs("usage: hvhub enroll revoke TOKEN-ID | --host H | --certificate SERIAL  [--config F]\n", stderr);
        return EXIT_USAGE;
    }
    name_user(user, sizeof user);
    snprintf(note, sizeof note, "%.128s %s", id, user);
    if (fleet_identity_revoke(s, what, id, note, &count, &e) != 0)
        return fail("enroll", &e);
    if (count == 0) {
        fprintf(stderr, "hvhub enroll: there is no %s %s that was not revoked before; see hvhub enroll list\n",
                what == REVOKE_TOKEN ? "token" : "certificate", id);
        return EXIT_FAILED;
    }
    printf("revoked %s\n", id);
    return EXIT_DONE;
}

static enum exit_code enroll_forget(struct fleet_store *s, const struct asked *a)
{
    const char *id = a->agent != NULL ? a->agent : a->host;
    char note[NOTE_MAX], user[NOTE_MAX / 2];
    struct err e = { 0 };
    int count;

    if ((a->agent != NULL) == (a->host != NULL)) {
        fputs("usage: hvhub enroll forget --agent ID | --host H  [--config F]\n", stderr);
        return EXIT_USAGE;
    }
    name_user(user, sizeof user);
    snprintf(note, sizeof note, "%.128s %s", id, user);
    if (fleet_identity_forget(s, a->agent, a->host, note, &count, &e) != 0)
        return fail("enroll", &e);
    printf(count > 0 ? "forgot %s\n" : "nothing was known of %s\n", id);
    return count > 0 ? EXIT_DONE : EXIT_FAILED;
}

/* ---- enroll ---------------------------------------------------------------------------------------- */

static enum exit_code run(const struct hub_config *c, const struct asked *a, const char *const *words)
{
    bool list = strcmp(words[0], "list") == 0;
    struct fleet_store *s;
    struct err e = { 0 };
    enum exit_code code;

    if (!list && !right_user(c))
        return EXIT_FAILED;
    if (open_store(c, list, &s, &e) != 0)
        return fail("enroll", &e);
    if (list)
        code = enroll_list(s);
    else if (strcmp(words[0], "new") == 0)
        code = enroll_new(c, s, a);
    else if (strcmp(words[0], "revoke") == 0)
        code = enroll_revoke(s, a, words[1]);
    else
        code = enroll_forget(s, a);
    fleet_store_close(s);
    return code;
}

int cmd_enroll(int argc, char **argv)
{
    static const char *const verbs[] = { "new", "list", "revoke", "forget" };
    struct asked a = { .cluster = NULL };
    const struct option_spec specs[] = { { "--cluster", &a.cluster }, { "--uses", &a.uses },
                                         { "--expires", &a.expires }, { "--host", &a.host },
                                         { "--agent", &a.agent },     { "--certificate", &a.certificate },
                                         { "--config", &a.config } };
    const char *words[3];
    struct hub_config *c;
    enum exit_code code = EXIT_USAGE;
    bool known = false;

    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 2))
        return EXIT_USAGE;
    for (size_t i = 0; words[0] != NULL && i < sizeof verbs / sizeof verbs[0]; i++)
        known = known || strcmp(words[0], verbs[i]) == 0;
    if (!known || (words[1] != NULL && strcmp(words[0], "revoke") != 0)) {
        fputs(
            "usage: hvhub enroll new [--cluster C] [--uses N] [--expires T] | list | revoke TOKEN-ID | revoke --host H"
            " | revoke --certificate SERIAL | forget --agent ID | forget --host H  [--config F]\n",
            stderr);
        return EXIT_USAGE;
    }
    c = malloc(sizeof *c);
    if (c == NULL)
        return EXIT_FAILED;
    code = load_config(a.config, c);
    if (code == EXIT_DONE)
        code = run(c, &a, words);
    free(c);
    return code;
}
