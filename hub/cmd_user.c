/* hvhub user, hvhub audit: the accounts of the dashboard, and what happened with them.  They open the
 * fleet store themselves, so they work while the hub runs and while it does not; a running hub goes by
 * the change at its next request. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "config/store_url.h"
#include "hub/commands.h"
#include "hub/fleet_report.h"
#include "hub/hub.h"
#include "hub/people.h"
#include "plat/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define DAY_NS (86400 * NS_PER_S)

enum { TOKEN_DAYS = 365, TOKEN_DAYS_MAX = 3650, AUDIT_SHOWN = 1000 };

struct asked {
    const char *name, *role, *days, *clusters;
    bool no_password;
    struct fleet_store *store;
    int64_t now;
};

static enum exit_code failed(const char *what, const struct err *e)
{
    fprintf(stderr, "hvhub user: %s: %s\n", what,
            e->text[0] != '\0' ? e->text : "there is no such account; see hvhub user list");
    return EXIT_FAILED;
}

static void audit(const struct asked *a, const char *what, const char *text)
{
    struct fleet_audit row = { .time = a->now };
    struct err e = { 0 };

    text_copy(row.who, sizeof row.who, "command line");
    text_copy(row.what, sizeof row.what, what);
    text_copy(row.text, sizeof row.text, text);
    if (fleet_audit_put(a->store, &row, &e) != 0)
        fprintf(stderr, "hvhub user: it is done, but not in the audit log: %s\n", e.text);
}

/* One line of stdin; on a terminal it is asked for and not shown. */
static bool read_password(char out[PASSWORD_MAX + 2])
{
    struct termios old, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
    bool good;

    if (terminal) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("password: ", stderr);
    }
    good = fgets(out, PASSWORD_MAX + 2, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    }
    if (good)
        out[strcspn(out, "\r\n")] = '\0';
    return good;
}

static int set_password(struct fleet_person *p, struct err *e)
{
    char password[PASSWORD_MAX + 2];
    int rc =
        read_password(password) ? password_hash(password, p->hash, e) : err_set(e, ERR_INVALID, "no password on stdin");

    explicit_bzero(password, sizeof password);
    return rc;
}

/* "A,B" as the lines of an account, each once; "*" is the whole fleet. */
static bool read_clusters(const char *list, char out[FLEET_SCOPE_MAX])
{
    struct fleet_scope scope = { .kind = SCOPE_CLUSTERS };
    char one[FLEET_CLUSTER_MAX];
    size_t len, used = 0;

    out[0] = '\0';
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *at = list; *at != '\0'; at += len + (at[len] == ',' ? 1 : 0)) {
        len = strcspn(at, ",");
        if (len == 0 || len >= sizeof one || memchr(at, '\n', len) != NULL)
            return false;
        memcpy(one, at, len);
        one[len] = '\0';
        if (fleet_scope_has(&scope, one))
            continue;
        if (used + len + 2 > sizeof scope.clusters)
            return false;
        memcpy(scope.clusters + used, one, len);
        used += len;
        scope.clusters[used++] = '\n';
    }
    text_copy(out, FLEET_SCOPE_MAX, scope.clusters);
    return used > 0;
}

/* Role and clusters as asked for; what is not asked for stays. */
static enum exit_code set_limits(const struct asked *a, struct fleet_person *p)
{
    if (a->role != NULL && !person_role_parse(a->role, &p->role)) {
        fprintf(stderr, "hvhub user: write --role viewer or --role admin\n");
        return EXIT_USAGE;
    }
    if (a->clusters != NULL && !read_clusters(a->clusters, p->clusters)) {
        fprintf(stderr, "hvhub user: --clusters: write names of clusters, PROD-A,PROD-B, or '*' for the whole fleet\n");
        return EXIT_USAGE;
    }
    if (p->role == ROLE_ADMIN && p->clusters[0] != '\0') {
        fprintf(stderr, "hvhub user: an admin sees the whole fleet: write --role viewer, or --clusters '*'\n");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* The clusters of an account in one line. */
static const char *clusters_text(const struct fleet_person *p, char out[FLEET_SCOPE_MAX])
{
    size_t len;

    text_copy(out, FLEET_SCOPE_MAX, p->clusters[0] != '\0' ? p->clusters : "*");
    len = strlen(out);
    if (len > 0 && out[len - 1] == '\n')
        out[len - 1] = '\0';
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '\n' ? ',' : *c;
    return out;
}

static void audit_person(const struct asked *a, const char *what, const struct fleet_person *p)
{
    char text[AUDIT_TEXT_MAX + FLEET_SCOPE_MAX], clusters[FLEET_SCOPE_MAX];

    snprintf(text, sizeof text, "%s, role %s, clusters %s", p->name, person_role_name(p->role),
             clusters_text(p, clusters));
    audit(a, what, text);
}

static enum exit_code add(const struct asked *a)
{
    struct fleet_person p = { .created = a->now }, there;
    struct err e = { 0 };
    enum exit_code code;

    if (!person_name_good(a->name)) {
        fprintf(stderr, "hvhub user: %s: a name has a-z 0-9 . _ - @, a letter or digit first\n", a->name);
        return EXIT_USAGE;
    }
    if (a->role == NULL) {
        fprintf(stderr, "hvhub user: write --role viewer or --role admin\n");
        return EXIT_USAGE;
    }
    code = set_limits(a, &p);
    if (code != EXIT_DONE)
        return code;
    if (fleet_person_get(a->store, a->name, &there, &e) == 0) {
        fprintf(stderr, "hvhub user: %s is there already; hvhub user password, change or remove\n", a->name);
        return EXIT_FAILED;
    }
    text_copy(p.name, sizeof p.name, a->name);
    e = (struct err){ 0 };
    if ((!a->no_password && set_password(&p, &e) != 0) || fleet_person_put(a->store, &p, &e) != 0)
        return failed(a->name, &e);
    audit_person(a, "user-added", &p);
    return EXIT_DONE;
}

static enum exit_code change(const struct asked *a)
{
    struct fleet_person p;
    struct err e = { 0 };
    enum exit_code code;

    if (a->role == NULL && a->clusters == NULL) {
        fprintf(stderr, "hvhub user: change what? write --role, --clusters, or both\n");
        return EXIT_USAGE;
    }
    if (fleet_person_get(a->store, a->name, &p, &e) != 0)
        return failed(a->name, &e);
    code = set_limits(a, &p);
    if (code != EXIT_DONE)
        return code;
    if (fleet_person_limits(a->store, &p, &e) != 0)
        return failed(a->name, &e);
    audit_person(a, "user-changed", &p);
    return EXIT_DONE;
}

/* Ends all sessions and tokens of the person. */
static enum exit_code sign_out(const struct asked *a)
{
    struct fleet_person p;
    struct err e = { 0 };

    if (fleet_person_get(a->store, a->name, &p, &e) != 0 || fleet_tickets_drop(a->store, a->name, &e) != 0)
        return failed(a->name, &e);
    audit(a, "sessions-and-tokens-ended", a->name);
    return EXIT_DONE;
}

static enum exit_code change_password(const struct asked *a)
{
    struct fleet_person p;
    struct err e = { 0 };

    if (fleet_person_get(a->store, a->name, &p, &e) != 0)
        return failed(a->name, &e);
    if (set_password(&p, &e) != 0 || fleet_person_password(a->store, a->name, p.hash, &e) != 0)
        return failed(a->name, &e);
    audit(a, "password-changed", a->name);
    return EXIT_DONE;
}

static enum exit_code remove_user(const struct asked *a)
{
    struct fleet_person p;
    struct err e = { 0 };

    if (fleet_person_get(a->store, a->name, &p, &e) != 0 || fleet_person_drop(a->store, a->name, &e) != 0)
        return failed(a->name, &e);
    audit(a, "user-removed", a->name);
    return EXIT_DONE;
}

static enum exit_code make_token(const struct asked *a)
{
    struct fleet_ticket t = { .kind = TICKET_TOKEN, .created = a->now, .seen = a->now };
    uint64_t days = TOKEN_DAYS;
    char secret[SECRET_MAX];
    struct fleet_person p;
    struct err e = { 0 };

    if (a->days != NULL && (!text_u64(a->days, &days) || days < 1 || days > TOKEN_DAYS_MAX)) {
        fprintf(stderr, "hvhub user: --days: write 1 to %d\n", TOKEN_DAYS_MAX);
        return EXIT_USAGE;
    }
    if (fleet_person_get(a->store, a->name, &p, &e) != 0)
        return failed(a->name, &e);
    secret_make(plat_random(), SECRET_TOKEN, secret);
    secret_digest(secret, t.digest);
    text_copy(t.person, sizeof t.person, p.name);
    t.ends = a->now + (int64_t)days * DAY_NS;
    if (fleet_ticket_put(a->store, &t, &e) != 0)
        return failed(a->name, &e);
    audit(a, "token-made", a->name);
    printf("%s\n", secret);
    return EXIT_DONE;
}

static bool print_person(void *arg, const struct fleet_person *p)
{
    char clusters[FLEET_SCOPE_MAX];

    (void)arg;
    printf("%-32s %-8s %-10s %s\n", p->name, person_role_name(p->role), p->hash[0] != '\0' ? "password" : "proxy",
           clusters_text(p, clusters));
    return true;
}

static enum exit_code list(const struct asked *a)
{
    struct err e = { 0 };

    return fleet_people_each(a->store, print_person, NULL, &e) == 0 ? EXIT_DONE : failed("list", &e);
}

static const struct action {
    const char *word;
    enum exit_code (*run)(const struct asked *a);
    bool named;
} actions[] = {
    { "add", add, true },           { "change", change, true },      { "password", change_password, true },
    { "sign-out", sign_out, true }, { "remove", remove_user, true }, { "token", make_token, true },
    { "list", list, false },
};

static const struct action *find_action(const char *const *words)
{
    for (size_t i = 0; words[0] != NULL && i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(words[0], actions[i].word) == 0 && actions[i].named == (words[1] != NULL))
            return &actions[i];
    }
    return NULL;
}

static enum exit_code open_store(const char *path, const char *command, struct fleet_store **out)
{
    struct hub_config *config = malloc(sizeof *config);
    struct fleet_store_options options = { .clock = plat_clock() };
    struct err e = { 0 };
    enum exit_code code;

    if (config == NULL)
        return EXIT_FAILED;
    code = load_config(path, config);
    if (code == EXIT_DONE) {
        options.path = hub_store_path(config);
        options.floors = &config->floors;
        log_set_level(LOG_WARN);
        if (!store_is_postgres(options.path) && !runs_as_owner(options.path)) {
            code = EXIT_FAILED;
        } else if (fleet_store_open(out, &options, &e) != 0) {
            fprintf(stderr, "hvhub %s: %s\n", command, e.text);
            code = EXIT_FAILED;
        }
    }
    free(config);
    return code;
}

int cmd_user(int argc, char **argv)
{
    struct asked a = { .now = plat_clock()->wall_ns(plat_clock()) };
    const char *path = NULL, *words[3];
    const struct option_spec specs[] = {
        { "--config", &path }, { "--role", &a.role }, { "--days", &a.days }, { "--clusters", &a.clusters }
    };
    const struct action *action;
    enum exit_code code;

    a.no_password = take_flag(&argc, argv, "--no-password");
    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 2))
        return EXIT_USAGE;
    action = find_action(words);
    if (action == NULL) {
        fprintf(stderr,
                "hvhub user: write add NAME --role viewer|admin, change NAME, password NAME, token NAME, sign-out NAME,"
                " remove NAME, or list\n");
        return EXIT_USAGE;
    }
    a.name = words[1];
    code = open_store(path, "user", &a.store);
    if (code == EXIT_DONE) {
        code = action->run(&a);
        fleet_store_close(a.store);
    }
    return code;
}

/* ---- audit ------------------------------------------------------------------------------------ */

static bool print_audit(void *arg, const struct fleet_audit *a)
{
    char when[TIMES_TEXT_MAX];

    (void)arg;
    printf("%s  %-16s %-24s %-16s %s\n", times_format(a->time, when), a->what, a->who[0] != '\0' ? a->who : "-",
           a->address[0] != '\0' ? a->address : "-", a->text);
    return true;
}

int cmd_audit(int argc, char **argv)
{
    const char *path = NULL, *since = NULL, *words[1];
    const struct option_spec specs[] = { { "--config", &path }, { "--since", &since } };
    int64_t since_ns = 0;
    struct fleet_store *store;
    struct err e = { 0 };
    enum exit_code code;

    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 0))
        return EXIT_USAGE;
    if (since != NULL && !report_since_parse(since, plat_clock()->wall_ns(plat_clock()), &since_ns)) {
        fprintf(stderr, "hvhub audit: --since: write a time, 2026-01-31T08:00:00Z, or a length, 7d\n");
        return EXIT_USAGE;
    }
    code = open_store(path, "audit", &store);
    if (code != EXIT_DONE)
        return code;
    if (fleet_audit_each(store, since_ns, AUDIT_SHOWN, print_audit, NULL, &e) != 0) {
        fprintf(stderr, "hvhub audit: %s\n", e.text);
        code = EXIT_FAILED;
    }
    fleet_store_close(store);
    return code;
}
