/* hvagent's settings: agent.yaml, checked, with the default of every key. */
#ifndef CONFIG_AGENT_CONFIG_H
#define CONFIG_AGENT_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "model/drift.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONFIG_TEXT_MAX = 1024, CONFIG_LIST_MAX = 64 };

struct config_list {
    char items[CONFIG_LIST_MAX][CONFIG_TEXT_MAX];
    int count;
};

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct agent_config_hub {
    char url[CONFIG_TEXT_MAX];        /* hub.url: https://hub.example.com:4318 ; "" ships nothing */
    char token_file[CONFIG_TEXT_MAX]; /* hub.token_file */
    char ca_file[CONFIG_TEXT_MAX];    /* hub.ca_file; "" the system's */
    char cert_file[CONFIG_TEXT_MAX];  /* hub.cert_file, hub.key_file: a client certificate (hub_certificate.h) */
    char key_file[CONFIG_TEXT_MAX];
    char cert_password_file[CONFIG_TEXT_MAX]; /* hub.cert_password_file: of a PKCS #12 cert_file; "" none */
    char enroll_token_file[CONFIG_TEXT_MAX];  /* hub.enroll_token_file: "" does not enrol */
    char proxy[CONFIG_TEXT_MAX];              /* hub.proxy; "" the environment's, "none" no proxy */
    bool verify;                              /* hub.verify: false is accepted for a loopback address only */
    enum compression compression;             /* hub.compression: zstd */
    int64_t batch_count;                      /* hub.batch.max_count: 1000 */
    int64_t batch_bytes;                      /* hub.batch.max_size: 1MiB, before compression */
    int64_t batch_age_ns;                     /* hub.batch.max_age: 5s */
    int64_t timeout_ns;                       /* hub.timeout: 30s */
    int64_t retry_min_ns;                     /* hub.retry.min: 1s */
    int64_t retry_max_ns;                     /* hub.retry.max: 5m */
    int64_t auth_retry_ns;                    /* hub.retry.refused: 15m */
};

/* Which KVP items are stored, and how: names, a line each (collectors/kvp_privacy.h). */
struct agent_config_privacy {
    char keep[4 * CONFIG_TEXT_MAX];      /* kvp.keys: "" all */
    char hash[4 * CONFIG_TEXT_MAX];      /* kvp.hash: "" none */
    char hash_key_file[CONFIG_TEXT_MAX]; /* kvp.hash_key_file */
};

struct agent_config {
    struct agent_config_hub hub;

    char data_dir[CONFIG_TEXT_MAX]; /* store.dir; "" this system's default */
    int64_t store_max_bytes;        /* store.max_size: 512MiB */

    struct config_list bundles; /* sources.bundles: folders of captured host data to follow */
    int64_t poll_ns;            /* sources.poll: 2s, how often followed files are looked at */
    int64_t kvp_interval_ns;    /* kvp.interval: 5m */
    int64_t kvp_refresh_ns;     /* kvp.refresh: 24h, an unchanged guest is told again */
    int64_t kvp_deadline_ns;    /* kvp.deadline: 60s */
    struct agent_config_privacy privacy;

    int64_t setup_interval_ns; /* setup.interval: 6h */
    bool setup_disks;          /* setup.disks: true, the heads of disk files are read */

    struct config_list dump_folders; /* dumps.folders */
    int64_t dump_rescan_ns;          /* dumps.rescan: 5m */
    int64_t dump_settle_ns;          /* dumps.settle: 10s */
    int64_t dump_give_up_ns;         /* dumps.give_up: 1h */
    int64_t dump_depth;              /* dumps.depth: 3 */
    int64_t dump_files_max;          /* dumps.max_files: 10000 */
    bool dump_triage;                /* dumps.triage: true */
    int64_t dump_triage_deadline_ns; /* dumps.triage_deadline: 30s */
    int64_t dump_triage_read_max;    /* dumps.triage_max_read: 64MiB */

    char host_name[CONFIG_TEXT_MAX]; /* host.name, host.cluster: override what is found out */
    char host_cluster[CONFIG_TEXT_MAX];

    char socket[CONFIG_TEXT_MAX];       /* status.socket; "" this system's default */
    char socket_group[CONFIG_TEXT_MAX]; /* status.group; "" root alone */
    int64_t silent_after_ns;            /* status.silent_after: 1h, a source that said nothing this long is degraded */

    struct drift_floors floors; /* drift.floor_61_63, drift.floor_62 */

    enum log_level log_level; /* log.level: info */
};

/* Every problem of the file, as lines "FILE:LINE:COL: key: what is wrong, and
 * what to write instead", in order of place.  An unreadable file is one line.
 * Returns 0 with *out filled and defaults for what the file leaves out, or
 * ERR_INVALID (ERR_NOT_FOUND, ERR_PERMISSION, ...) with problems filled and *out untouched. */
MUST_USE int agent_config_load(const char *path, struct agent_config *out, struct buf *problems);
MUST_USE int agent_config_parse(const char *name, const char *yaml, size_t len, struct agent_config *out,
                                struct buf *problems);

/* The defaults, as if from an empty file. */
void agent_config_defaults(struct agent_config *out);

/* agent.yaml.example, made from the same table: every key, its default, a sentence. */
void agent_config_example(struct buf *out);

#endif
