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

static const char *const bindings[] = { "enrolled", "certificate", "token", NULL };
_Static_assert(BIND_ENROLLED == 0 && BIND_CERTIFICATE == 1 && BIND_TOKEN == 2, "order of bindings[]");
static const char *const forward_starts[] = { "now", "beginning", NULL };
_Static_assert(FORWARD_FROM_NOW == 0 && FORWARD_FROM_BEGINNING == 1, "order of forward_starts[]");
static const char *const confirms[] = { "tls", "tcp", NULL };
_Static_assert(CONFIRM_TLS == 0 && CONFIRM_TCP == 1, "order of confirms[]");
static const char *const compressions[] = { "none", "gzip", NULL };
_Static_assert(FORWARD_UNPACKED == 0 && FORWARD_GZIP == 1, "order of compressions[]");
static const char *const encryptions[] = { "tls", "none", NULL };
_Static_assert(SYSLOG_TLS == 0 && SYSLOG_PLAIN == 1, "order of encryptions[]");
static const char *const facilities[] = { "user",   "daemon", "local0", "local1", "local2", "local3",
                                          "local4", "local5", "local6", "local7", NULL };

#define FIELD(name) .offset = offsetof(struct hub_config, name)

/* clang-format off */
static const struct yaml_key keys[] = {
    { "listen", YAML_TEXT, FIELD(listen), .min = 1, .max = TEXT_MAX, .fallback = "127.0.0.1:4318", .help =
      "The address and port to listen on: host:port or [v6]:port. Anything but a loopback address needs "
      "tls.cert_file." },

    { "tls.cert_file", YAML_TEXT, FIELD(cert_file), .max = TEXT_MAX, .fallback = "", .help =
      "The hub's certificate (PEM, with its chain). Needs tls.key_file." },
    { "tls.key_file", YAML_TEXT, FIELD(key_file), .max = TEXT_MAX, .fallback = "", .help =
      "Its private key (PEM, without a passphrase)." },
    { "tls.client_ca_file", YAML_TEXT, FIELD(client_ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed the agents' certificates. Empty: none are asked for." },

    { "ingest.token_file", YAML_TEXT, FIELD(token_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the bearer tokens that programs may show to read, one a line; and to send, where ingest.require_certificate "
      "is false. Empty: none." },
    { "ingest.require_certificate", YAML_BOOL, FIELD(require_certificate), .fallback = "true", .help =
      "Whether who sends must show a client certificate: one that enrolment gave (`hvhub enroll new`), or one that "
      "tls.client_ca_file signed. false: a token of ingest.token_file will do, and on loopback nothing." },
    { "ingest.bind_agents", YAML_CHOICE, FIELD(bind_agents), .fallback = "certificate", .choices = bindings, .help =
      "Whose an agent id is. An enrolled agent's is its certificate's, always. certificate: one seen for the first time "
      "with a certificate of tls.client_ca_file belongs to that certificate's subject from then on. token: the same of "
      "tokens, too. enrolled: neither. `hvhub enroll forget` unties them." },
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
    { "ingest.head_timeout", YAML_DURATION, FIELD(head_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "20s", .help =
      "A connection is closed when the headers of its request are not there after this long, however busy it looks." },
    { "ingest.min_rate", YAML_SIZE, FIELD(rate_min), 1, 1 * GIB / 2, .fallback = "256B", .help =
      "A connection is closed when its body comes, or the answer is taken, slower than so much a second." },
    { "ingest.agent_rate", YAML_SIZE, FIELD(agent_rate), 0, 1 * GIB, .fallback = "8MiB", .help =
      "What one agent may send a second, after decompression; eight seconds of it at once. One that sends more is told when to "
      "come back (429). 0B: no limit." },
    { "ingest.max_agents", YAML_INT, FIELD(agents_max), 0, 10000000, .fallback = "10000", .help =
      "How many agents may ever come with one token or one certificate. 0: no limit." },

    { "web.open_on_loopback", YAML_BOOL, FIELD(open_on_loopback), .fallback = "false", .help =
      "Whether everybody on this machine may see the dashboard and the API without a login. For trying things out." },
    { "web.session_idle", YAML_DURATION, FIELD(session_idle_ns), 1 * MINUTE, 30 * DAY, .fallback = "1h", .help =
      "A login ends when nothing was asked for this long." },
    { "web.session_max", YAML_DURATION, FIELD(session_max_ns), 1 * MINUTE, 30 * DAY, .fallback = "12h", .help =
      "A login ends after this long in any case." },
    { "web.proxy.header", YAML_TEXT, FIELD(proxy_header), .max = 64, .fallback = "", .help =
      "A header in which a proxy that has asked people who they are names them: X-Remote-User. Believed from web.proxy.addresses "
      "alone; the proxy must remove it from what people send. Empty: none." },
    { "web.proxy.addresses", YAML_LINES, FIELD(proxies), .max = CONFIG_TEXT_MAX - 1, .fallback = "", .help =
      "The addresses of such proxies: 10.0.0.5. On one of them every other program could name itself too." },
    { "web.proxy.anyone", YAML_BOOL, FIELD(proxy_anyone), .fallback = "false", .help =
      "Whether whom such a proxy names needs no account here: a viewer of the whole fleet then." },
    { "web.hosts", YAML_LINES, FIELD(web_hosts), .max = 4 * CONFIG_TEXT_MAX - 1, .fallback = "", .help =
      "The names under which people's browsers reach the hub, without port: hub.example.com. Addresses and localhost are always "
      "right. Another name in a request without a token or certificate is refused (421): it is how a foreign web page would "
      "reach in." },

    { "ca.dir", YAML_TEXT, FIELD(ca_dir), .max = TEXT_MAX, .fallback = "", .help =
      "The folder of the hub's own CA, which signs the certificates of enrolled agents: ca.pem and ca.key. `hvhub ca init` "
      "or the first `hvhub enroll new` makes it. Empty: ca beside the store's file; /var/lib/hvhub/ca with a database." },
    { "ca.lifetime", YAML_DURATION, FIELD(ca_lifetime_ns), 10 * NS_PER_S, 825 * DAY, .fallback = "30d", .help =
      "How long an enrolled agent's certificate lasts. The agent renews it by itself at two thirds of that." },

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
    { "report.memory_max", YAML_SIZE, FIELD(report_memory_max), 0, 64 * GIB, .fallback = "512MiB", .help =
      "How much memory may be used to keep the fleet between reports and pages, about 1.5 KiB a guest. A fleet that does "
      "not fit is read anew for each report; 0 keeps nothing." },

    { "drift.floor_61_63", YAML_VERSION, FIELD(floors.win61_63), .fallback = "6.3.9600.18907", .help =
      "Integration services below this version are behind for guests of Windows 7 / 2008 R2 and 8.1 / 2012 R2 on hosts "
      "of 2016 and later." },
    { "drift.floor_62", YAML_VERSION, FIELD(floors.win62), .fallback = "6.3.9600.18080", .help =
      "The same for guests of Windows 8 / 2012." },

    { "delivery.public_url", YAML_TEXT, FIELD(delivery.public_url), .max = DELIVERY_URL_MAX - 1, .fallback = "", .help =
      "Where people reach the dashboard, for the links in what is delivered: https://hub.example.com:4318. Empty: no "
      "links." },
    { "delivery.look_every", YAML_DURATION, FIELD(delivery.look_ns), 1 * NS_PER_S, 10 * MINUTE, .fallback = "10s", .help =
      "How often the hub looks whether something is to be delivered." },
    { "delivery.takeover_after", YAML_DURATION, FIELD(delivery.takeover_ns), 3 * NS_PER_S, 1 * HOUR, .fallback = "45s", .help =
      "Of several hubs on one database one delivers. Another one takes over when it has shown no sign of life for so "
      "long." },
    { "delivery.timeout", YAML_DURATION, FIELD(delivery.timeout_ns), 1 * NS_PER_S, 10 * MINUTE, .fallback = "60s", .help =
      "How long one try to send may take." },
    { "delivery.retry.min", YAML_DURATION, FIELD(delivery.retry_min_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "30s", .help =
      "How long to wait after the first failure; doubled with each further one, and each time by chance." },
    { "delivery.retry.max", YAML_DURATION, FIELD(delivery.retry_max_ns), 1 * NS_PER_S, 24 * HOUR, .fallback = "30m", .help =
      "The longest such wait." },
    { "delivery.retry.give_up", YAML_DURATION, FIELD(delivery.give_up_ns), 1 * NS_PER_S, 30 * DAY, .fallback = "24h", .help =
      "After so long in vain a delivery is given up, which is logged and counted in /metrics." },
    { "delivery.list", YAML_ITEMS, FIELD(delivery.list), .max = DELIVERIES_MAX, .fallback = "", .items =
      &hub_delivery_schema, .count_offset = offsetof(struct hub_config, delivery.count), .help =
      "What goes to whom, and when. Each to one target: keys of smtp, of webhook or of folder." },

    { "log.level", YAML_CHOICE, FIELD(log_level), .fallback = "info", .choices = log_levels, .help =
      "What is written to stderr." },

    { "forward.start", YAML_CHOICE, FIELD(forward.start), .fallback = "now", .choices = forward_starts, .help =
      "Where a target begins that is named for the first time: with what comes from now on, or with the beginning of what is "
      "stored." },
    { "forward.batch.max_count", YAML_INT, FIELD(forward.batch_count), 1, 10000, .fallback = "500", .help =
      "The most observations in one request (for syslog: in one connection)." },
    { "forward.batch.max_size", YAML_SIZE, FIELD(forward.batch_bytes), 4 * KIB, 64 * MIB, .fallback = "1MiB", .help =
      "The same in bytes as they are stored; JSON and syslog are larger." },
    { "forward.timeout", YAML_DURATION, FIELD(forward.timeout_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "30s", .help =
      "How long a target may take to answer." },
    { "forward.retry.min", YAML_DURATION, FIELD(forward.retry_min_ns), 10 * NS_PER_MS, 1 * HOUR, .fallback = "1s", .help =
      "The first wait after a target did not answer, doubled each time." },
    { "forward.retry.max", YAML_DURATION, FIELD(forward.retry_max_ns), 10 * NS_PER_MS, 24 * HOUR, .fallback = "5m", .help =
      "The longest of these waits." },
    { "forward.retry.refused", YAML_DURATION, FIELD(forward.denied_retry_ns), 10 * NS_PER_MS, 24 * HOUR, .fallback = "15m", .help =
      "The wait after a target refused us: a wrong token, address or index." },
    { "forward.otlp.url", YAML_TEXT, FIELD(forward.otlp.url), .max = TEXT_MAX, .fallback = "", .help =
      "Another OTLP/HTTP endpoint, https://collector.example.com:4318 (/v1/logs is appended). Empty: none." },
    { "forward.otlp.token_file", YAML_TEXT, FIELD(forward.otlp.token_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the bearer token to show there. Empty: none." },
    { "forward.otlp.ca_file", YAML_TEXT, FIELD(forward.otlp.ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed its certificate. Empty: the system's." },
    { "forward.otlp.compression", YAML_CHOICE, FIELD(forward.otlp_compression), .fallback = "gzip", .choices = compressions, .help =
      "How requests are packed." },
    { "forward.splunk.url", YAML_TEXT, FIELD(forward.splunk.url), .max = TEXT_MAX, .fallback = "", .help =
      "A Splunk HTTP event collector, https://splunk.example.com:8088 (/services/collector/event is appended). Empty: none." },
    { "forward.splunk.token_file", YAML_TEXT, FIELD(forward.splunk.token_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with its token." },
    { "forward.splunk.ca_file", YAML_TEXT, FIELD(forward.splunk.ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed its certificate. Empty: the system's." },
    { "forward.splunk.index", YAML_TEXT, FIELD(forward.splunk_index), .max = 80, .fallback = "", .help =
      "The index to write to. Empty: the token's own." },
    { "forward.syslog.address", YAML_TEXT, FIELD(forward.syslog_address), .max = TEXT_MAX, .fallback = "", .help =
      "A syslog receiver, host:port (6514 is usual with TLS). Empty: none." },
    { "forward.syslog.encryption", YAML_CHOICE, FIELD(forward.syslog_encryption), .fallback = "tls", .choices = encryptions, .help =
      "none: plain TCP, which everybody on the way can read." },
    { "forward.syslog.ca_file", YAML_TEXT, FIELD(forward.syslog_ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed its certificate. Empty: the system's." },
    { "forward.syslog.cert_file", YAML_TEXT, FIELD(forward.syslog_cert_file), .max = TEXT_MAX, .fallback = "", .help =
      "A certificate (PEM) to show there. Needs forward.syslog.key_file." },
    { "forward.syslog.key_file", YAML_TEXT, FIELD(forward.syslog_key_file), .max = TEXT_MAX, .fallback = "", .help =
      "Its private key (PEM)." },
    { "forward.syslog.facility", YAML_CHOICE, FIELD(forward.syslog_facility), .fallback = "local0", .choices = facilities, .help =
      "The facility of each message." },
    { "forward.syslog.confirm", YAML_CHOICE, FIELD(forward.syslog_confirm), .fallback = "tcp", .choices = confirms, .help =
      "What counts as taken, since syslog has no answer: an orderly end of the connection (tcp), or the receiver's own closing "
      "word of TLS (tls), which is stricter and which rsyslog does not send." },

    { "incidents.clock_tolerance", YAML_DURATION, FIELD(incidents.tolerance_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "5m", .help =
      "By how much the clocks of two hosts, or of a guest and its host, may differ when signs of one crash are put together." },
    { "incidents.window_before", YAML_DURATION, FIELD(incidents.before_ns), 1 * MINUTE, 24 * HOUR, .fallback = "1h", .help =
      "How long before a crash trouble of storage and cluster counts as having been around it." },
    { "incidents.window_after", YAML_DURATION, FIELD(incidents.after_ns), 1 * MINUTE, 24 * HOUR, .fallback = "15m", .help =
      "And how long after it: a request that never ended is logged when it is given up." },
    { "incidents.guest_disk_timeout", YAML_DURATION, FIELD(incidents.disk_timeout_ns), 1 * NS_PER_S, 1 * HOUR, .fallback = "60s", .help =
      "How long guests wait for a disk before they give up on it: the TimeoutValue of the disk service in Windows guests. A crash after "
      "storage requests that took longer is put down to the storage. A new value counts from the next start or reload on." },
    { "incidents.rules_folder", YAML_TEXT, FIELD(incidents.rules_folder), .max = TEXT_MAX, .fallback = "", .help =
      "A folder with rules of your own (*.yaml, docs/rules.md), read at start and at reload. A rule with the id of a shipped one "
      "takes its place. Empty: the shipped rules alone." },
    { "incidents.keep", YAML_DURATION, FIELD(incidents.keep_ns), 1 * DAY, 36500 * DAY, .fallback = "1095d", .help =
      "How long incidents are kept, counted from the crash, and with them what happened to guests. Trouble of hosts around them "
      "is kept as long as observations (store.keep)." },
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
    if (!cfg->require_certificate && cfg->token_file[0] == '\0' && cfg->client_ca_file[0] == '\0' &&
        yaml_check_good(c, "ingest.token_file") && yaml_check_good(c, "tls.client_ca_file"))
        yaml_check_problem(c, "listen",
                           "others can reach this address, and nothing says who may send; write ingest.token_file or "
                           "tls.client_ca_file, or leave ingest.require_certificate at true");
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

static void check_target(struct yaml_checker *c, const char *key, const struct hub_config_target *t)
{
    struct hub_url url;
    struct err e;

    if (t->url[0] != '\0' && hub_url_parse(t->url, &url, &e) != 0)
        yaml_check_problem(c, key, "%s", e.text);
}

static void check_syslog(struct yaml_checker *c, const struct hub_config_forward *f)
{
    struct listen_address a;

    if (f->syslog_address[0] != '\0' && (listen_address_parse(f->syslog_address, &a, NULL) != 0 || a.port == 0))
        yaml_check_problem(c, "forward.syslog.address", "this is no host and port; write syslog.example.com:6514, say");
    if ((f->syslog_cert_file[0] == '\0') != (f->syslog_key_file[0] == '\0'))
        yaml_check_problem(c, "forward.syslog.cert_file",
                           "a certificate needs its key; write forward.syslog.cert_file and forward.syslog.key_file");
    if (f->syslog_encryption == SYSLOG_PLAIN && f->syslog_confirm == CONFIRM_TLS)
        yaml_check_problem(c, "forward.syslog.confirm",
                           "without encryption there is no closing word of TLS; write tcp");
}

static void check_forward(struct yaml_checker *c, const struct hub_config_forward *f)
{
    check_target(c, "forward.otlp.url", &f->otlp);
    check_target(c, "forward.splunk.url", &f->splunk);
    if (f->splunk.url[0] != '\0' && f->splunk.token_file[0] == '\0')
        yaml_check_problem(c, "forward.splunk.url",
                           "an event collector needs a token; write forward.splunk.token_file");
    check_syslog(c, f);
    if (f->retry_min_ns > f->retry_max_ns && yaml_check_good(c, "forward.retry.min") &&
        yaml_check_good(c, "forward.retry.max"))
        yaml_check_problem(c, "forward.retry.min", "it is longer than forward.retry.max");
}

static void check_proxy(struct yaml_checker *c, const struct hub_config *cfg)
{
    bool header = cfg->proxy_header[0] != '\0', addresses = cfg->proxies[0] != '\0';

    if (header != addresses && yaml_check_good(c, "web.proxy.header") && yaml_check_good(c, "web.proxy.addresses"))
        yaml_check_problem(c, header ? "web.proxy.header" : "web.proxy.addresses",
                           "web.proxy.header and web.proxy.addresses are of use together alone; write both");
    if (cfg->proxy_anyone && !header && yaml_check_good(c, "web.proxy.header"))
        yaml_check_problem(c, "web.proxy.anyone", "it is of use with web.proxy.header alone");
    if (cfg->open_on_loopback && header)
        yaml_check_problem(
            c, "web.open_on_loopback",
            "with a proxy on this machine everybody would be let in: everything it sends comes from loopback;"
            " write false, or no web.proxy.header");
}

static void check(struct yaml_checker *c, const void *target)
{
    const struct hub_config *cfg = target;

    check_store(c, cfg);
    check_listen(c, cfg);
    check_tls(c, cfg);
    check_proxy(c, cfg);
    check_forward(c, &cfg->forward);
    hub_delivery_check(c, &cfg->delivery);
    if (cfg->session_idle_ns > cfg->session_max_ns && yaml_check_good(c, "web.session_idle") &&
        yaml_check_good(c, "web.session_max"))
        yaml_check_problem(c, "web.session_idle", "it is longer than web.session_max");
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
