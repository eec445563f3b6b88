/* See agent_config.h.  The table is the one place where a key, its default,
 * its bounds and its sentence are written; agent.yaml.example is made from it. */
#include "config/agent_config.h"

#include "base/text.h"
#include "base/times.h"
#include "config/hub_certificate.h"
#include "config/hub_url.h"
#include "config/yaml_doc.h"
#include "model/guest.h"

#include <stddef.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define TIB    (1024 * 1024 * MIB)

enum { LABEL_MAX = 255, TEXT_MAX = CONFIG_TEXT_MAX - 1 };

static const char *const compressions[] = { "none", "gzip", "zstd", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
_Static_assert(COMPRESSION_NONE == 0 && COMPRESSION_GZIP == 1 && COMPRESSION_ZSTD == 2, "order of compressions[]");
_Static_assert(LOG_ERROR == 0 && LOG_WARN == 1 && LOG_INFO == 2 && LOG_DEBUG == 3, "order of log_levels[]");

#define FIELD(name) .offset = offsetof(struct agent_config, name)

/* clang-format off */
static const struct yaml_key keys[] = {
    { "hub.url", YAML_TEXT, FIELD(hub.url), .max = TEXT_MAX, .fallback = "", .help =
      "Where observations are sent: https://hub.example.com:4318. /v1/logs is appended. http:// is accepted "
      "for a loopback address only. Empty: nothing is sent, everything is kept until the store is full." },
    { "hub.token_file", YAML_TEXT, FIELD(hub.token_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the bearer token that the hub knows this host by. Read at start and on reload." },
    { "hub.ca_file", YAML_TEXT, FIELD(hub.ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed the hub's certificate, and no others. Empty: those of the system. "
      "Under Windows hub.url must then have a name and no IP address, and a certificate that is known to be revoked is "
      "refused; a revocation list that cannot be had is no obstacle." },
    { "hub.cert_file", YAML_TEXT, FIELD(hub.cert_file), .max = TEXT_MAX, .fallback = "", .help =
      "A client certificate to show to the hub: a PEM file (with its chain; needs hub.key_file); a .p12 or .pfx file, "
      "which holds its key too; or, under Windows, store:LocalMachine\\MY\\THUMBPRINT. Windows takes no PEM here. Files "
      "are read anew for each connection, so that new ones need no restart." },
    { "hub.key_file", YAML_TEXT, FIELD(hub.key_file), .max = TEXT_MAX, .fallback = "", .help =
      "The private key (PEM, without a passphrase) of a PEM hub.cert_file." },
    { "hub.cert_password_file", YAML_TEXT, FIELD(hub.cert_password_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file whose first line is the password of a .p12 or .pfx hub.cert_file. Empty: it has none. Read at start and on "
      "reload." },
    { "hub.enroll_token_file", YAML_TEXT, FIELD(hub.enroll_token_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with an enrolment token (`hvhub enroll new`): the agent makes a key, gets a certificate from the hub with it, "
      "keeps both beside its store, and renews them by itself. Not with hub.cert_file." },
    { "hub.proxy", YAML_TEXT, FIELD(hub.proxy), .max = TEXT_MAX, .fallback = "", .help =
      "The proxy to go through: http://proxy.example.com:3128 (also https, socks4, socks4a, socks5, socks5h), or none. "
      "Empty: what the environment says (https_proxy, no_proxy)." },
    { "hub.verify", YAML_BOOL, FIELD(hub.verify), .fallback = "true", .help =
      "Whether the hub's certificate is verified. false is accepted for a loopback address only." },
    { "hub.compression", YAML_CHOICE, FIELD(hub.compression), .fallback = "zstd", .choices = compressions, .help =
      "How requests are compressed. An endpoint that does not know zstd (415) is sent gzip by itself." },
    { "hub.batch.max_count", YAML_INT, FIELD(hub.batch_count), 1, 20000, .fallback = "1000", .help =
      "The most records in one request." },
    { "hub.batch.max_size", YAML_SIZE, FIELD(hub.batch_bytes), 1 * KIB, 16 * MIB, .fallback = "1MiB", .help =
      "About how large a request may be before compression. One record is always sent, however large." },
    { "hub.batch.max_age", YAML_DURATION, FIELD(hub.batch_age_ns), 0, 1 * HOUR, .fallback = "5s", .help =
      "How long a record waits for company before it is sent." },
    { "hub.timeout", YAML_DURATION, FIELD(hub.timeout_ns), 100 * NS_PER_MS, 10 * MINUTE, .fallback = "30s", .help =
      "How long one request may take, connecting included." },
    { "hub.retry.min", YAML_DURATION, FIELD(hub.retry_min_ns), 10 * NS_PER_MS, 1 * HOUR, .fallback = "1s", .help =
      "After a failed request the agent waits a random time up to a ceiling. This is the first ceiling; it doubles with "
      "each failure in a row." },
    { "hub.retry.max", YAML_DURATION, FIELD(hub.retry_max_ns), 10 * NS_PER_MS, 1 * DAY, .fallback = "5m", .help =
      "The highest ceiling, and the most that a hub's Retry-After is honoured." },
    { "hub.retry.refused", YAML_DURATION, FIELD(hub.auth_retry_ns), 10 * NS_PER_MS, 1 * DAY, .fallback = "15m", .help =
      "How long nothing is sent after the hub has refused the agent itself (401, 403). A reload tries at once." },

    { "store.dir", YAML_TEXT, FIELD(data_dir), .max = TEXT_MAX, .fallback = "", .help =
      "The folder of the agent's store. Empty: this system's default (/var/lib/hvagent; %ProgramData%/hvfleet/agent)." },
    { "store.max_size", YAML_SIZE, FIELD(store_max_bytes), 1 * MIB, 1 * TIB, .fallback = "512MiB", .help =
      "How much may wait for the hub. Over it the least important and oldest records go first, and a gap record says so." },

    { "sources.bundles", YAML_TEXT_LIST, FIELD(bundles), .max = CONFIG_LIST_MAX, .fallback = "", .help =
      "Folders of captured host data to follow, as `hvagent capture` writes them." },
    { "sources.poll", YAML_DURATION, FIELD(poll_ns), 100 * NS_PER_MS, 1 * HOUR, .fallback = "2s", .help =
      "How often followed files are looked at." },

    { "kvp.interval", YAML_DURATION, FIELD(kvp_interval_ns), 1 * NS_PER_S, 1 * DAY, .fallback = "5m", .help =
      "How often the guests are asked about, with one query for all." },
    { "kvp.refresh", YAML_DURATION, FIELD(kvp_refresh_ns), 1 * NS_PER_S, 30 * DAY, .fallback = "24h", .help =
      "A guest about which nothing has changed is told again after this time." },
    { "kvp.deadline", YAML_DURATION, FIELD(kvp_deadline_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "60s", .help =
      "A query that has no answer after this time is given up, and the source reported as hung." },
    { "kvp.keys", YAML_LINES, FIELD(privacy.keep), .max = 4 * CONFIG_TEXT_MAX - 1, .fallback = "", .help =
      "The only Data Exchange items that are stored, by name: [NetworkAddressIPv4, OS*, custom.AssetTag]. custom. stands "
      "before items that people or guests made up, * for any rest of a name. Items that decide drift (OSName, OSVersion, "
      "OSBuildNumber, OSPlatformId, ProcessorArchitecture, CSDVersion, IntegrationServicesVersion) are stored always. "
      "Empty: all are stored; [OSName]: none besides those." },
    { "kvp.hash", YAML_LINES, FIELD(privacy.hash), .max = 4 * CONFIG_TEXT_MAX - 1, .fallback = "", .help =
      "Items of which a keyed digest is stored and never the value, named as in kvp.keys: [FullyQualifiedDomainName, "
      "NetworkAddress*, RDPAddress*]. Equal values of an item have equal digests under one key. Items that decide drift "
      "stay as they are." },
    { "kvp.hash_key_file", YAML_TEXT, FIELD(privacy.hash_key_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the key of kvp.hash, 16 bytes or more: openssl rand -hex 32. The same one on every host makes digests "
      "comparable in the fleet. Read when the agent starts; without it nothing is asked of guests." },

    { "setup.interval", YAML_DURATION, FIELD(setup_interval_ns), 1 * MINUTE, 7 * DAY, .fallback = "6h", .help =
      "How often the host is asked how its guests are set up: memory, processors, disks, checkpoints. What has changed is shipped." },
    { "setup.disks", YAML_BOOL, FIELD(setup_disks), .fallback = "true", .help =
      "Whether the heads of the guests' disk files are read to tell fixed, dynamic and differencing disks apart." },

    { "dumps.folders", YAML_TEXT_LIST, FIELD(dump_folders), .max = CONFIG_LIST_MAX, .fallback = "", .help =
      "Folders in which crash dumps of guests appear. A folder below one of them may bear the name of the VM." },
    { "dumps.rescan", YAML_DURATION, FIELD(dump_rescan_ns), 1 * NS_PER_S, 1 * DAY, .fallback = "5m", .help =
      "How often the folders are read whole, because network shares lose change notices." },
    { "dumps.settle", YAML_DURATION, FIELD(dump_settle_ns), 0, 1 * HOUR, .fallback = "10s", .help =
      "How long a dump must have stayed as it is before it is read." },
    { "dumps.give_up", YAML_DURATION, FIELD(dump_give_up_ns), 1 * NS_PER_S, 7 * DAY, .fallback = "1h", .help =
      "A dump that is still not complete after this time is reported as partial." },
    { "dumps.depth", YAML_INT, FIELD(dump_depth), 0, 16, .fallback = "3", .help =
      "How many levels of folders below are looked into." },
    { "dumps.max_files", YAML_INT, FIELD(dump_files_max), 1, 1000000, .fallback = "10000", .help =
      "The most files that are looked at in one folder tree." },
    { "dumps.triage", YAML_BOOL, FIELD(dump_triage), .fallback = "true", .help =
      "Whether a new dump is read for its verdict: what crashed, whose code it was, how sure that is. false: code and "
      "parameters alone." },
    { "dumps.triage_deadline", YAML_DURATION, FIELD(dump_triage_deadline_ns), 100 * NS_PER_MS, 10 * MINUTE,
      .fallback = "30s", .help =
      "How long one dump may be read; most take milliseconds. After it what was found until then is reported, with a word "
      "about it." },
    { "dumps.triage_max_read", YAML_SIZE, FIELD(dump_triage_read_max), 1 * MIB, 4096 * MIB, .fallback = "64MiB", .help =
      "The most bytes that are read of one dump, however large it is." },

    { "host.name", YAML_TEXT, FIELD(host_name), .max = LABEL_MAX, .fallback = "", .help =
      "The name of this host. Empty: found out." },
    { "host.cluster", YAML_TEXT, FIELD(host_cluster), .max = LABEL_MAX, .fallback = "", .help =
      "The name of its cluster. Empty: found out." },

    { "status.socket", YAML_TEXT, FIELD(socket), .max = TEXT_MAX, .fallback = "", .help =
      "Where `hvagent status` asks. Empty: this system's default (/run/hvagent/status.sock)." },
    { "status.group", YAML_TEXT, FIELD(socket_group), .max = LABEL_MAX, .fallback = "", .help =
      "The group whose members may ask. Empty: root alone." },
    { "status.silent_after", YAML_DURATION, FIELD(silent_after_ns), 1 * NS_PER_S, 30 * DAY, .fallback = "1h", .help =
      "A source that has said nothing for this long makes the agent degraded." },

    { "drift.floor_61_63", YAML_VERSION, FIELD(floors.win61_63), .fallback = "6.3.9600.18907", .help =
      "Integration services below this version are behind for guests of Windows 7 / 2008 R2 and 8.1 / 2012 R2 on hosts "
      "of 2016 and later." },
    { "drift.floor_62", YAML_VERSION, FIELD(floors.win62), .fallback = "6.3.9600.18080", .help =
      "The same for guests of Windows 8 / 2012." },

    { "log.level", YAML_CHOICE, FIELD(log_level), .fallback = "info", .choices = log_levels, .help =
      "What is written to stderr, and to the event log under Windows." },
};
/* clang-format on */

static void check_url(struct yaml_checker *c, const struct agent_config *cfg)
{
    struct hub_url url;
    struct err e;

    if (cfg->hub.url[0] == '\0')
        return;
    if (hub_url_parse(cfg->hub.url, &url, &e) != 0) {
        yaml_check_problem(c, "hub.url", "%s", e.text);
        return;
    }
    if (!cfg->hub.verify && !url.loopback)
        yaml_check_problem(c, "hub.verify",
                           "false is for a loopback address only, and hub.url is another; remove it, and name the "
                           "hub's CA in hub.ca_file");
    if (url.loopback && cfg->hub.proxy[0] != '\0' && strcmp(cfg->hub.proxy, "none") != 0)
        yaml_check_problem(c, "hub.proxy", "a loopback address is never reached through a proxy; remove it");
}

static void check_certificate(struct yaml_checker *c, const struct agent_config *cfg)
{
    const char *key = NULL;
    struct err e;

    if (yaml_check_good(c, "hub.cert_file") && yaml_check_good(c, "hub.key_file") &&
        yaml_check_good(c, "hub.cert_password_file") && hub_certificate_check(&cfg->hub, &key, &e) != 0)
        yaml_check_problem(c, key, "%s", e.text);
}

static void check_enrolment(struct yaml_checker *c, const struct agent_config *cfg)
{
    static const char key[] = "hub.enroll_token_file";

    if (cfg->hub.enroll_token_file[0] == '\0')
        return;
    if (cfg->hub.cert_file[0] != '\0')
        yaml_check_problem(c, key, "hub.cert_file brings a certificate of its own; remove one of the two");
    else if (text_ncasecmp(cfg->hub.url, "http://", strlen("http://")) == 0)
        yaml_check_problem(c, key, "enrolment needs TLS; write https:// in hub.url");
}

static void check_hub(struct yaml_checker *c, const struct agent_config *cfg)
{
    struct err e;

    check_url(c, cfg);
    if (yaml_check_good(c, "hub.proxy") && proxy_check(cfg->hub.proxy, &e) != 0)
        yaml_check_problem(c, "hub.proxy", "%s", e.text);
    check_certificate(c, cfg);
    check_enrolment(c, cfg);
}

/* A name that can not be hashed is better refused than stored as it is. */
static void check_hash(struct yaml_checker *c, const struct agent_config *cfg)
{
    char name[CONFIG_TEXT_MAX];

    if (!yaml_check_good(c, "kvp.hash"))
        return;
    for (const char *line = cfg->privacy.hash; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        text_clean(name, sizeof name, line, len, NULL);
        if (kvp_decides_drift(name)) {
            yaml_check_problem(c, "kvp.hash", "%s decides drift and is stored as it is; remove it", name);
            return;
        }
        line += len + (line[len] == '\n');
    }
    if (cfg->privacy.hash[0] != '\0' && cfg->privacy.hash_key_file[0] == '\0' &&
        yaml_check_good(c, "kvp.hash_key_file"))
        yaml_check_problem(c, "kvp.hash", "digests need a key; write kvp.hash_key_file too");
}

static void check_order(struct yaml_checker *c, const char *low, int64_t low_ns, const char *high, int64_t high_ns,
                        bool strict)
{
    bool good = strict ? low_ns < high_ns : low_ns <= high_ns;

    if (good || !yaml_check_good(c, low) || !yaml_check_good(c, high))
        return;
    if (yaml_check_given(c, low))
        yaml_check_problem(c, low, "is %s %s; write less here, or more there",
                           strict ? "not shorter than" : "longer than", high);
    else
        yaml_check_problem(c, high, "is %s %s; write more here, or less there",
                           strict ? "not longer than" : "shorter than", low);
}

static void check(struct yaml_checker *c, const void *target)
{
    const struct agent_config *cfg = target;

    check_hub(c, cfg);
    check_hash(c, cfg);
    check_order(c, "hub.retry.min", cfg->hub.retry_min_ns, "hub.retry.max", cfg->hub.retry_max_ns, false);
    check_order(c, "kvp.interval", cfg->kvp_interval_ns, "kvp.refresh", cfg->kvp_refresh_ns, false);
    check_order(c, "dumps.settle", cfg->dump_settle_ns, "dumps.give_up", cfg->dump_give_up_ns, true);
}

static const struct yaml_schema schema = {
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .target_size = sizeof(struct agent_config),
    .check = check,
};

int agent_config_load(const char *path, struct agent_config *out, struct buf *problems)
{
    return yaml_schema_load(path, &schema, out, problems);
}

int agent_config_parse(const char *name, const char *yaml, size_t len, struct agent_config *out, struct buf *problems)
{
    return yaml_schema_read(name, yaml, len, &schema, out, problems);
}

void agent_config_defaults(struct agent_config *out)
{
    yaml_schema_defaults(&schema, out);
}

void agent_config_example(struct buf *out)
{
    yaml_doc_example("Settings of hvagent: every key, with its default.\n"
                     "Check changes with `hvagent check-config`; a running agent takes them in on SIGHUP.",
                     keys, schema.key_count, out);
}
