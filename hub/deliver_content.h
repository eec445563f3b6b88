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
    char subject[DELIVERY_SUBJECT_MAX]; /* its id; "" for a line of a report */
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
};

/* job: id, kind and time made are taken from it.  test: says so in the title.  Free with content_free(). */
MUST_USE int content_make(struct content **out, const struct content_source *from, const struct hub_delivery *d,
                          const struct fleet_delivery *job, bool test, struct err *e);
void content_free(struct content *c);

/* The text of one item in one line: "web01 on HV01 (PROD-A): current -> behind: ..." */
void content_line(const struct content_item *item, struct buf *out);

/* Text for HTML: & < > " ' escaped. */
void content_escape(struct buf *out, const char *text);

/* "guests drifted", "host silent". */
const char *content_phrase(enum delivery_event event, size_t count);

/* deliver_notice.c: the text and HTML of what was found, appended. */
void content_notice_text(const struct content *c, struct buf *out);
void content_notice_html(const struct content *c, struct buf *out);

#endif
