/* hvhub's settings: hub.yaml, checked, with the default of every key. */
#ifndef CONFIG_HUB_CONFIG_H
#define CONFIG_HUB_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "config/agent_config.h"
#include "config/hub_delivery.h"
#include "model/drift.h"

#include <stdbool.h>
#include <stdint.h>

enum forward_start { FORWARD_FROM_NOW, FORWARD_FROM_BEGINNING };
enum forward_compression { FORWARD_UNPACKED, FORWARD_GZIP };
enum agent_binding { BIND_ENROLLED, BIND_CERTIFICATE, BIND_TOKEN };
enum forward_encryption { SYSLOG_TLS, SYSLOG_PLAIN };
enum forward_confirm { CONFIRM_TLS, CONFIRM_TCP };

/* forward: who else is sent the observations.  A target is on when its url or address is written. */
struct hub_config_forward {
    enum forward_start start; /* forward.start: now */
    int64_t batch_count;      /* forward.batch.max_count: 500 */
    int64_t batch_bytes;      /* forward.batch.max_size: 1MiB, before compression */
    int64_t timeout_ns;       /* forward.timeout: 30s */
    int64_t retry_min_ns;     /* forward.retry.min: 1s */
    int64_t retry_max_ns;     /* forward.retry.max: 5m */
    int64_t denied_retry_ns;  /* forward.retry.refused: 15m */

    struct hub_config_target {
        char url[CONFIG_TEXT_MAX]; /* "" off */
        char token_file[CONFIG_TEXT_MAX];
        char ca_file[CONFIG_TEXT_MAX]; /* "" the system's */
    } otlp, splunk;
    enum forward_compression otlp_compression; /* forward.otlp.compression: gzip */
    char splunk_index[CONFIG_TEXT_MAX];        /* forward.splunk.index: "" the token's own */
    char syslog_address[CONFIG_TEXT_MAX];      /* forward.syslog.address: host:port; "" off */
    enum forward_encryption syslog_encryption; /* forward.syslog.encryption: tls */
    char syslog_ca_file[CONFIG_TEXT_MAX];      /* "" the system's */
    char syslog_cert_file[CONFIG_TEXT_MAX];
    char syslog_key_file[CONFIG_TEXT_MAX];
    int syslog_facility;                 /* forward.syslog.facility: local0; a place in user, daemon, local0.. */
    enum forward_confirm syslog_confirm; /* forward.syslog.confirm: tcp */
};

/* incidents: how crashes are put together, explained and kept. */
struct hub_config_incidents {
    int64_t tolerance_ns;               /* incidents.clock_tolerance: 5m */
    int64_t before_ns;                  /* incidents.window_before: 1h */
    int64_t after_ns;                   /* incidents.window_after: 15m */
    int64_t keep_ns;                    /* incidents.keep: 1095d */
    int64_t disk_timeout_ns;            /* incidents.guest_disk_timeout: 60s */
    char rules_folder[CONFIG_TEXT_MAX]; /* incidents.rules_folder: "" the shipped rules alone */
};

struct hub_config {
    char listen[CONFIG_TEXT_MAX];    /* listen: "127.0.0.1:4318"; host:port, [::]:port */
    char cert_file[CONFIG_TEXT_MAX]; /* tls.cert_file, tls.key_file: the hub's own */
    char key_file[CONFIG_TEXT_MAX];
    char client_ca_file[CONFIG_TEXT_MAX]; /* tls.client_ca_file: who may sign client certificates; "" none asked for */
    char token_file[CONFIG_TEXT_MAX];     /* ingest.token_file: one bearer token a line; "" none */
    int64_t body_max;                     /* ingest.max_body: 4MiB, as received */
    int64_t body_max_decoded;             /* ingest.max_decoded: 32MiB, after decompression */
    int64_t records_max;                  /* ingest.max_records: 20000 a request */
    int64_t connections_max;              /* ingest.max_connections: 1000 */
    int64_t connection_idle_ns;           /* ingest.idle_timeout: 60s */
    int64_t threads;                      /* ingest.threads: 2 */
    int64_t head_ns;                      /* ingest.head_timeout: 20s, until the headers are there */
    int64_t rate_min;                     /* ingest.min_rate: 256B a second, of a body or an answer */
    int64_t agent_rate;                   /* ingest.agent_rate: 8MiB a second, unpacked; 0 no limit */
    int64_t agents_max;                   /* ingest.max_agents: 10000 of one token or certificate; 0 no limit */

    bool open_on_loopback;               /* web.open_on_loopback: false */
    int64_t session_idle_ns;             /* web.session_idle: 1h */
    int64_t session_max_ns;              /* web.session_max: 12h */
    char proxy_header[CONFIG_TEXT_MAX];  /* web.proxy.header: "" none */
    char proxies[CONFIG_TEXT_MAX];       /* web.proxy.addresses, one a line */
    bool proxy_anyone;                   /* web.proxy.anyone: false */
    char web_hosts[4 * CONFIG_TEXT_MAX]; /* web.hosts: names of the hub, one a line */

    bool require_certificate;       /* ingest.require_certificate: true */
    enum agent_binding bind_agents; /* ingest.bind_agents: certificate */

    char ca_dir[CONFIG_TEXT_MAX]; /* ca.dir: "" beside the store */
    int64_t ca_lifetime_ns;       /* ca.lifetime: 30d, of agents' certificates */

    char store[CONFIG_TEXT_MAX]; /* store.path: a file or a postgresql:// URL; "" this system's default */
    int64_t keep_ns;             /* store.keep: 90d of observations */
    int64_t foreign_max;         /* store.max_foreign: 10000 records of other programs kept, oldest go first */

    int64_t keep_moves_ns;    /* history.keep_moves: 90d, guests' changes of host */
    int64_t keep_changes_ns;  /* history.keep_changes: 1095d, their other changes */
    int64_t keep_days_ns;     /* history.keep_days: 3650d, daily counts */
    int64_t keep_findings_ns; /* history.keep_findings: 30d, findings not seen again */

    int64_t host_silent_ns;     /* report.host_silent_after: 1h */
    int64_t report_memory_max;  /* report.memory_max: 512MiB, to keep the fleet between reports */
    struct drift_floors floors; /* drift.floor_61_63, drift.floor_62 */

    struct hub_delivery_config delivery; /* delivery: what goes to whom, and when */

    enum log_level log_level; /* log.level: info */

    struct hub_config_forward forward;
    struct hub_config_incidents incidents;
};

/* As agent_config.h. */
MUST_USE int hub_config_load(const char *path, struct hub_config *out, struct buf *problems);
MUST_USE int hub_config_parse(const char *name, const char *yaml, size_t len, struct hub_config *out,
                              struct buf *problems);
void hub_config_defaults(struct hub_config *out);
void hub_config_example(struct buf *out);

#endif
