/* hvhub's deliveries: the section `delivery` of hub.yaml.
 *
 * A delivery says what goes to whom and when: a report on a schedule, what is
 * newly found as soon as it is, or both; to one mail server, one webhook or one
 * folder.  Passwords, keys and webhook URLs that are themselves a secret stand in
 * files that this section names.
 */
#ifndef CONFIG_HUB_DELIVERY_H
#define CONFIG_HUB_DELIVERY_H

#include "config/agent_config.h"
#include "config/time_zone.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DELIVERIES_MAX = 32,
    DELIVERY_NAME_MAX = 64,
    DELIVERY_CLUSTER_MAX = 256,
    DELIVERY_TO_MAX = 4096, /* all recipients together */
    DELIVERY_ADDRESS_MAX = 255,
    DELIVERY_URL_MAX = 1024,
};

/* What a delivery can be told of when it is found.  Each is a bit of hub_delivery.events, a word of `on:` and a row of
 * the table in hub/deliver_events.c, which says where it comes from.
 */
enum delivery_event {
    DELIVERY_NEW_DRIFT,   /* a guest got a state worse than unknown, or another such state */
    DELIVERY_SILENT_HOST, /* and the findings of fleet_store.h, by the same names */
    DELIVERY_GAP,
    DELIVERY_SEQUENCE_HOLE,
    DELIVERY_SHARED_AGENT_ID,
    DELIVERY_CLOCK_OFF,
    DELIVERY_NEW_INCIDENT, /* a crash that was not told before, under whatever id it is stored now */
    DELIVERY_EVENT_COUNT
};
const char *delivery_event_name(enum delivery_event event);

enum delivery_what { DELIVER_DRIFT, DELIVER_HOSTS, DELIVER_INCIDENTS };
const char *delivery_what_name(enum delivery_what what); /* "drift" */
enum delivery_format { DELIVER_HTML, DELIVER_TEXT, DELIVER_CSV, DELIVER_JSON };
enum delivery_security { SMTP_TLS_REQUIRED, SMTP_TLS_WHEN_OFFERED, SMTP_TLS_NONE };
enum delivery_shape { WEBHOOK_JSON, WEBHOOK_TEAMS, WEBHOOK_SLACK };
enum delivery_target { DELIVER_NOWHERE, DELIVER_SMTP, DELIVER_WEBHOOK, DELIVER_FOLDER };

struct hub_delivery {
    char name[DELIVERY_NAME_MAX];       /* name: letters, digits, "-", "_", "." */
    enum delivery_what what;            /* report */
    char cluster[DELIVERY_CLUSTER_MAX]; /* cluster; "" all */
    enum delivery_format format;        /* format */
    char schedule[DELIVERY_NAME_MAX];   /* schedule; "" none (schedule.h) */
    char zone[TIME_ZONE_NAME_MAX];      /* time_zone */
    uint32_t events;                    /* on: bits by enum delivery_event */
    int64_t batch_ns;                   /* batch: what is found within it goes together */
    bool quiet;                         /* quiet_when_unchanged */

    char smtp_url[DELIVERY_URL_MAX]; /* smtp.url: smtp://host:587, smtps://host:465; "" no mail */
    enum delivery_security security; /* smtp.starttls */
    char user[DELIVERY_ADDRESS_MAX + 1];
    char password_file[CONFIG_TEXT_MAX];
    char smtp_ca_file[CONFIG_TEXT_MAX];
    char from[DELIVERY_ADDRESS_MAX + 1];
    char to[DELIVERY_TO_MAX]; /* smtp.to: addresses with '\n' between them */

    char webhook_url[DELIVERY_URL_MAX]; /* webhook.url; "" */
    char url_file[CONFIG_TEXT_MAX];     /* webhook.url_file: a file with the URL, where that is a secret; "" */
    enum delivery_shape shape;          /* webhook.shape */
    char secret_file[CONFIG_TEXT_MAX];  /* webhook.secret_file: the key of the signature; "" none */
    char webhook_ca_file[CONFIG_TEXT_MAX];

    char folder[CONFIG_TEXT_MAX]; /* folder.path; "" */
    int64_t folder_keep;          /* folder.keep: the newest so many files */
};

struct hub_delivery_config {
    char public_url[DELIVERY_URL_MAX]; /* delivery.public_url: where people reach the dashboard; "" no links */
    int64_t look_ns;                   /* delivery.look_every */
    int64_t takeover_ns;               /* delivery.takeover_after */
    int64_t timeout_ns;                /* delivery.timeout, of one try */
    int64_t retry_min_ns, retry_max_ns, give_up_ns;
    struct hub_delivery list[DELIVERIES_MAX];
    int count;
};

enum delivery_target hub_delivery_target(const struct hub_delivery *d);
const char *hub_delivery_target_name(enum delivery_target target); /* "smtp", "webhook", "folder" */

/* A webhook's URL: https:// with a path and a query, or http:// to a loopback address.  ERR_INVALID with the remedy
 * in e and nothing of the URL (it may be a secret). */
MUST_USE int hub_delivery_url_check(const char *url, struct err *e);

/* The tables: hub_config.c joins them to its own. */
struct yaml_schema;
struct yaml_checker;
extern const struct yaml_schema hub_delivery_schema; /* of one struct hub_delivery */
void hub_delivery_check(struct yaml_checker *c, const struct hub_delivery_config *d);

#endif
