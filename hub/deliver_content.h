/* What one delivery says: the report or what was newly found, in the forms that
 * its target takes.  Made from one moment of the fleet, so that text, HTML, CSV and
 * JSON of one delivery have the same numbers.
 *
 * Texts that guests or hosts made (names, clusters, sentences) are clean UTF-8 without
 * control characters; each target still escapes them for its own format.
 */
#ifndef HUB_DELIVER_CONTENT_H
#define HUB_DELIVER_CONTENT_H

#include "base/buf.h"
#include "config/hub_delivery.h"
#include "hub/fleet_delivery.h"
#include "report/report_summary.h"

enum {
    CONTENT_ITEMS_EACH = 25, /* things of one event told by name; the others are counted */
    CONTENT_ITEMS_MAX = CONTENT_ITEMS_EACH * DELIVERY_EVENT_COUNT,
    CONTENT_LABEL_MAX = 256,
    CONTENT_TITLE_MAX = 320,
    CONTENT_SENTENCE_MAX = INCIDENT_TEXT_MAX,
    CONTENT_DETAILS = 2, /* lines below an item, at most */
    CONTENT_LINE_BYTES = 4 * CONTENT_LABEL_MAX + FLEET_EVIDENCE_MAX + CONTENT_SENTENCE_MAX, /* of any one line */
    CONTENT_LINK_MAX = DELIVERY_URL_MAX + 64,
    CONTENT_TEXT_BYTES = 256 * 1024, /* of a mail's text; cut at the end of a line */
    CONTENT_HTML_BYTES = 2 * 1024 * 1024,
    CONTENT_CSV_BYTES = 10 * 1024 * 1024,
    CONTENT_JSON_BYTES = 8 * 1024 * 1024,
    CONTENT_FILE_BYTES = 256 * 1024 * 1024, /* of a file in a folder */
};

struct content_item {
    char event[32];                     /* of what was found; "" for a line of a report */
    char name[CONTENT_LABEL_MAX];       /* the guest's, or the host's */
    char host[CONTENT_LABEL_MAX];       /* the guest's host; "" */
    char cluster[CONTENT_LABEL_MAX];    /* "" none or not known */
    char state[32];                     /* "behind"; "" */
    char text[FLEET_EVIDENCE_MAX];      /* a sentence */
    char subject[DELIVERY_SUBJECT_MAX]; /* its id; "" for a line of a report about guests or hosts */
    /* Of an incident alone; else "". */
    char code[INCIDENT_HEADLINE_MAX];   /* what crashed: "0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL" */
    int64_t crash_ns;                   /* when; 0 */
    char finding[CONTENT_SENTENCE_MAX]; /* the surest finding's sentence; "" none */
    char confidence[16];                /* of it: "high" */
    char action[CONTENT_SENTENCE_MAX];
    char link[CONTENT_LINK_MAX]; /* to its page; "" without delivery.public_url */
};

struct content {
    const struct hub_delivery *delivery;
    char id[DELIVERY_ID_MAX]; /* the job's: the same with every try */
    enum fleet_job kind;
    bool test;
    int64_t made_ns;
    int64_t job_ns; /* when the job was made: the same with every try */
    char title[CONTENT_TITLE_MAX];
    char link[CONTENT_LINK_MAX]; /* to the dashboard; "" none */
    struct report_summary summary;
    uint64_t fingerprint;                /* of what the report says: the same for the same */
    size_t counts[DELIVERY_EVENT_COUNT]; /* of what was found, by event */
    struct content_item items[CONTENT_ITEMS_MAX];
    size_t item_count;
    size_t item_total; /* items, and those that were only counted */

    struct buf text; /* always there */
    struct buf html; /* mail in HTML, or a file's */
    struct buf csv;  /* the report; empty when it is over its ceiling */
    struct buf json; /* the report (webhook, file); empty when it is over its ceiling */
};

struct content_source {
    struct fleet_store *store;
    const struct hub_delivery_config *config;
    int64_t host_silent_ns;
    struct drift_floors floors;
    int64_t now_ns;
    int64_t since_ns; /* incidents: crashed since then */
};

/* job: id, kind and time made are taken from it.  test: says so in the title.  Free with content_free(). */
MUST_USE int content_make(struct content **out, const struct content_source *from, const struct hub_delivery *d,
                          const struct fleet_delivery *job, bool test, struct err *e);
void content_free(struct content *c);

/* The text of one item in one line: "web01 on HV01 (PROD-A): current -> behind: ..." */
void content_line(const struct content_item *item, struct buf *out);

/* The lines below it, from 0 on, appended; false: there is no such. */
bool content_detail(const struct content_item *item, int which, struct buf *out);

/* Text for HTML: & < > " ' escaped. */
void content_escape(struct buf *out, const char *text);

/* "guests drifted", "host silent". */
const char *content_phrase(enum delivery_event event, size_t count);

/* deliver_content_incidents.c.  An item of an incident; the same by the id in item->subject (it stays what it is when
 * the incident is gone); the newest incidents since from->since_ns as the lines of a report. */
void content_incident_item(const struct incident *i, const char *public_url, struct content_item *item);
MUST_USE int content_name_incident(struct content_item *item, struct fleet_store *s, const char *public_url,
                                   struct err *e);
MUST_USE int content_take_incidents(struct content *c, const struct content_source *from, struct err *e);

/* deliver_notice.c: the text and HTML of what was found, appended. */
void content_notice_text(const struct content *c, struct buf *out);
void content_notice_html(const struct content *c, struct buf *out);

#endif
