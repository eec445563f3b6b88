/* See hub_config.h; the table is used as in agent_config.c. */
#include "config/hub_config.h"

#include "base/times.h"
#include "config/hub_url.h"
#include "config/store_url.h"
#include "config/yaml_doc.h"

#include <stddef.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

enum { TEXT_MAX = CONFIG_TEXT_MAX - 1 };

static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
_Static_assert(LOG_ERROR == 0 && LOG_WARN == 1 && LOG_INFO == 2 && LOG_DEBUG == 3, "order of log_levels[]");

#define FIELD(name) .offset = offsetof(struct hub_config, name)

/* clang-format off */
static const struct yaml_key keys[] = {
    { "listen", YAML_TEXT, FIELD(listen), .min = 1, .max = TEXT_MAX, .fallback = "127.0.0.1:4318", .help =
      "The address and port to listen on: host:port or [v6]:port. Anything but a loopback address needs "
      "tls.cert_file, and ingest.token_file or tls.client_ca_file." },

    { "tls.cert_file", YAML_TEXT, FIELD(cert_file), .max = TEXT_MAX, .fallback = "", .help =
      "The hub's certificate (PEM, with its chain). Needs tls.key_file." },
    { "tls.key_file", YAML_TEXT, FIELD(key_file), .max = TEXT_MAX, .fallback = "", .help =
      "Its private key (PEM, without a passphrase)." },
    { "tls.client_ca_file", YAML_TEXT, FIELD(client_ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed the agents' certificates. Empty: none are asked for." },

    { "ingest.token_file", YAML_TEXT, FIELD(token_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the bearer tokens that agents may show, one a line. Empty: none." },
    { "ingest.max_body", YAML_SIZE, FIELD(body_max), 4 * KIB, 1 * GIB, .fallback = "4MiB", .help =
      "The largest request that is taken, as received." },
    { "ingest.max_decoded", YAML_SIZE, FIELD(body_max_decoded), 4 * KIB, 1 * GIB, .fallback = "32MiB", .help =
      "The largest request that is taken, after decompression." },
    { "ingest.max_records", YAML_INT, FIELD(records_max), 1, 1000000, .fallback = "20000", .help =
      "The most records in one request." },
    { "ingest.max_connections", YAML_INT, FIELD(connections_max), 1, 100000, .fallback = "1000", .help =
      "The most connections at a time." },
    { "ingest.idle_timeout", YAML_DURATION, FIELD(connection_idle_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "60s", .help =
      "A connection on which nothing happens for this long is closed." },
    { "ingest.threads", YAML_INT, FIELD(threads), 1, 64, .fallback = "2", .help =
      "How many threads serve connections." },

    { "store.path", YAML_TEXT, FIELD(store), .max = TEXT_MAX, .fallback = "", .help =
      "The file of the fleet store. Empty: this system's default (/var/lib/hvhub/fleet.db). Or a PostgreSQL database, which "
      "several hubs may share: postgresql://user@host/database?sslmode=verify-full, its password in a password file." },
    { "store.keep", YAML_DURATION, FIELD(keep_ns), 1 * HOUR, 3650 * DAY, .fallback = "90d", .help =
      "How long observations are kept. What is known of hosts and guests is kept longer." },
    { "store.max_foreign", YAML_INT, FIELD(foreign_max), 0, 10000000, .fallback = "10000", .help =
      "How many records of programs other than hvagent are kept; the oldest go first." },

    { "history.keep_moves", YAML_DURATION, FIELD(keep_moves_ns), 1 * DAY, 36500 * DAY, .fallback = "90d", .help =
      "How long it is kept that a guest moved from host to host." },
    { "history.keep_changes", YAML_DURATION, FIELD(keep_changes_ns), 1 * DAY, 36500 * DAY, .fallback = "1095d", .help =
      "How long a guest's changes of state, version and operating system are kept." },
    { "history.keep_days", YAML_DURATION, FIELD(keep_days_ns), 1 * DAY, 36500 * DAY, .fallback = "3650d", .help =
      "How far back the daily counts by state and cluster go." },
    { "history.keep_findings", YAML_DURATION, FIELD(keep_findings_ns), 1 * DAY, 36500 * DAY, .fallback = "30d", .help =
      "How long a finding about a host (a gap, a clock that is off, a shared agent id) is shown when it is not seen again." },

    { "report.host_silent_after", YAML_DURATION, FIELD(host_silent_ns), 1 * NS_PER_S, 365 * DAY, .fallback = "1h", .help =
      "A host that has sent nothing for this long is reported as silent, and what it said as stale." },

    { "drift.floor_61_63", YAML_VERSION, FIELD(floors.win61_63), .fallback = "6.3.9600.18907", .help =
      "Integration services below this version are behind for guests of Windows 7 / 2008 R2 and 8.1 / 2012 R2 on hosts "
      "of 2016 and later." },
    { "drift.floor_62", YAML_VERSION, FIELD(floors.win62), .fallback = "6.3.9600.18080", .help =
      "The same for guests of Windows 8 / 2012." },

    { "log.level", YAML_CHOICE, FIELD(log_level), .fallback = "info", .choices = log_levels, .help =
      "What is written to stderr." },
};
/* clang-format on */

static void check_listen(struct yaml_checker *c, const struct hub_config *cfg)
{
    struct listen_address a;
    struct err e;

    if (!yaml_check_good(c, "listen"))
        return;
    if (listen_address_parse(cfg->listen, &a, &e) != 0) {
        yaml_check_problem(c, "listen", "%s", e.text);
        return;
    }
    if (a.loopback)
        return;
    if (cfg->cert_file[0] == '\0' && yaml_check_good(c, "tls.cert_file"))
        yaml_check_problem(c, "listen",
                           "others can reach this address, and there is no encryption; write tls.cert_file and "
                           "tls.key_file, or listen on 127.0.0.1");
    if (cfg->token_file[0] == '\0' && cfg->client_ca_file[0] == '\0' && yaml_check_good(c, "ingest.token_file") &&
        yaml_check_good(c, "tls.client_ca_file"))
        yaml_check_problem(c, "listen",
                           "others can reach this address, and anyone could send; write ingest.token_file or "
                           "tls.client_ca_file, or listen on 127.0.0.1");
}

static void check_tls(struct yaml_checker *c, const struct hub_config *cfg)
{
    bool cert = cfg->cert_file[0] != '\0', key = cfg->key_file[0] != '\0';

    if (!yaml_check_good(c, "tls.cert_file") || !yaml_check_good(c, "tls.key_file"))
        return;
    if (cert && !key)
        yaml_check_problem(c, "tls.cert_file", "a certificate is of no use without its key; write tls.key_file too");
    if (key && !cert)
        yaml_check_problem(c, "tls.key_file", "a key is of no use without its certificate; write tls.cert_file too");
    if (!cert && cfg->client_ca_file[0] != '\0')
        yaml_check_problem(c, "tls.client_ca_file",
                           "client certificates need TLS; write tls.cert_file and tls.key_file");
}

static void check_store(struct yaml_checker *c, const struct hub_config *cfg)
{
    struct err e;

    if (yaml_check_good(c, "store.path") && store_path_check(cfg->store, &e) != 0)
        yaml_check_problem(c, "store.path", "%s", e.text);
}

static void check(struct yaml_checker *c, const void *target)
{
    const struct hub_config *cfg = target;

    check_store(c, cfg);
    check_listen(c, cfg);
    check_tls(c, cfg);
    if (cfg->body_max > cfg->body_max_decoded && yaml_check_good(c, "ingest.max_body") &&
        yaml_check_good(c, "ingest.max_decoded"))
        yaml_check_problem(
            c, yaml_check_given(c, "ingest.max_decoded") ? "ingest.max_decoded" : "ingest.max_body",
            "ingest.max_body is larger than ingest.max_decoded; write a max_decoded of at least max_body");
}

static const struct yaml_schema schema = {
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .target_size = sizeof(struct hub_config),
    .check = check,
};

int hub_config_load(const char *path, struct hub_config *out, struct buf *problems)
{
    return yaml_schema_load(path, &schema, out, problems);
}

int hub_config_parse(const char *name, const char *yaml, size_t len, struct hub_config *out, struct buf *problems)
{
    return yaml_schema_read(name, yaml, len, &schema, out, problems);
}

void hub_config_defaults(struct hub_config *out)
{
    yaml_schema_defaults(&schema, out);
}

void hub_config_example(struct buf *out)
{
    yaml_doc_example("Settings of hvhub: every key, with its default.\nCheck changes with `hvhub check-config`.", keys,
                     schema.key_count, out);
}
