/* See fleet_report.h. */
#include "hub/fleet_report.h"

#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_model.h"
#include "plat/large_pages.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool report_kind_parse(const char *word, enum report_kind *out)
{
    static const char *const words[] = { "drift", "hosts", "incidents" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum report_kind)i;
            return true;
        }
    }
    return false;
}

/* "7d" as nanoseconds. */
static bool parse_length(const char *text, int64_t *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    size_t len = strlen(text);
    char digits[16];
    uint64_t n;

    if (len < 2 || len >= sizeof digits)
        return false;
    memcpy(digits, text, len - 1);
    digits[len - 1] = '\0';
    if (!text_u64(digits, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].unit == text[len - 1] && n <= (uint64_t)(INT64_MAX / NS_PER_S / units[i].seconds)) {
            *out = (int64_t)n * units[i].seconds * NS_PER_S;
            return true;
        }
    }
    return false;
}

bool report_since_parse(const char *text, int64_t now_ns, int64_t *out)
{
    int64_t length, since;

    if (parse_length(text, &length))
        since = now_ns > length ? now_ns - length : 1;
    else if (!times_parse(text, &since))
        return false;
    if (since > now_ns)
        return false;
    *out = since;
    return true;
}

struct filling {
    struct drift_report *report;
    int rc;
    struct err *e;
};

static bool take_host(void *arg, const struct host *h)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_host(f->report, h, f->e);
    return f->rc == 0;
}

static bool take_guest(void *arg, const struct guest *g)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_guest(f->report, g, f->e);
    return f->rc == 0;
}

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct filling *f = (struct filling *)arg;

    drift_report_heard(f->report, a->host_id, a->last_seen);
    return true;
}

static bool take_finding(void *arg, const struct fleet_finding *found)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_note(f->report, found->host_id, fleet_finding_name(found->kind), found->first_time,
                              found->text, f->e);
    return f->rc == 0;
}

static bool take_change(void *arg, const struct fleet_change *c)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_change(f->report, c->vm_id, c->cluster, c->from, c->to, f->e);
    return f->rc == 0;
}

bool report_format_fits(enum report_kind kind, enum report_format format)
{
    return kind == REPORT_DRIFT || (format != REPORT_ANSIBLE && format != REPORT_SCCM);
}

int fleet_report_render(const struct drift_report *r, const struct report_query *q, struct buf *out, struct err *e)
{
    if (q->kind == REPORT_HOSTS)
        return hosts_report_render(r, q->format, &q->style, out, e);
    return drift_report_render(r, q->format, &q->style, out, e);
}

/* What a report wants besides hosts and guests. */
static struct fleet_reader reader_of(const struct report_query *q, struct filling *f)
{
    return (struct fleet_reader){
        .arg = f,
        .cluster = q->cluster[0] != '\0' ? q->cluster : NULL,
        .agent = take_agent,
        .finding = take_finding,
        .change = q->since_ns != 0 ? take_change : NULL,
        .changes = { .kind = CHANGE_STATE, .since_ns = q->since_ns, .oldest_first = true },
    };
}

static int read_all(struct fleet_body *b, const struct fleet_reader *reader, struct filling *f)
{
    int rc = b->ops->read(b, reader, f->e);

    if (rc == 0 && f->rc == 0 && reader->change != NULL)
        rc = b->ops->read_changes(b, &reader->changes, reader->change, reader->arg, f->e);
    return rc != 0 ? rc : f->rc;
}

/* From the rows that were kept, brought up to date.  ERR_TOO_BIG, ERR_UNSUPPORTED: there are none. */
static int fill_from_model(struct fleet_store *s, const struct report_query *q, struct filling *f)
{
    const struct fleet_model *m = s->model;
    const struct fleet_reader reader = reader_of(q, f);
    int rc = fleet_model_refresh(s->model, s->body, &q->floors, f->e);

    if (rc != 0)
        return rc;
    for (size_t i = 0; f->rc == 0 && i < fleet_model_hosts(m); i++)
        f->rc = drift_report_host(f->report, fleet_model_host(m, i), f->e);
    for (size_t i = 0; f->rc == 0 && i < fleet_model_guests(m); i++) {
        size_t place;
        const struct judged_guest *g = fleet_model_guest(m, i, &place);

        f->rc = drift_report_judged(f->report, g, place, f->e);
    }
    return f->rc != 0 ? f->rc : read_all(s->body, &reader, f);
}

static int fill_from_rows(struct fleet_store *s, const struct report_query *q, struct filling *f,
                          struct drift_peers *peers)
{
    struct fleet_reader reader = reader_of(q, f);

    reader.host = take_host;
    reader.guest = take_guest;
    reader.peers = peers;
    return read_all(s->body, &reader, f);
}

/* Everything of one moment into the report. */
static int fill(struct fleet_store *s, const struct report_query *q, struct filling *f, struct drift_peers *peers)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, f->e);
    bool kept = s->model != NULL && !fleet_is_scoped(s); /* what is kept is of the whole fleet */

    if (rc == 0 && kept) {
        rc = fill_from_model(s, q, f);
        kept = f->rc != 0 || (rc != ERR_TOO_BIG && rc != ERR_UNSUPPORTED);
        if (!kept)
            rc = 0;
    }
    if (rc == 0 && !kept)
        rc = fill_from_rows(s, q, f, peers);
    if (rc == 0)
        rc = b->ops->commit(b, f->e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

int fleet_report_make(struct fleet_store *s, const struct report_query *q, struct drift_report **out, struct err *e)
{
    struct drift_report_options options = {
        .now_ns = q->now_ns,
        .cluster = q->cluster[0] != '\0' ? q->cluster : NULL,
        .since_ns = q->since_ns,
        .has_history = true,
        .host_silent_ns = q->host_silent_ns,
        .floors = &q->floors,
    };
    struct drift_peers *peers = drift_peers_new();
    struct filling f = { .e = e };
    int rc;

    if (peers == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = drift_report_new(&f.report, &options, e);
    if (rc == 0) {
        drift_report_peers(f.report, peers);
        rc = fill(s, q, &f, peers);
    }
    if (rc == 0)
        rc = drift_report_finish(f.report, e);
    drift_peers_free(peers);
    if (rc != 0) {
        drift_report_free(f.report);
        return rc;
    }
    *out = f.report;
    return 0;
}

enum { LARGE_REPORT_BYTES = 4 << 20 };

/* A report of a whole fleet is tens of megabytes: room for it is made at once, of large pages where the system has
 * them.  Page by page, a quarter of the report's time went into faults (bench_fleet). */
static void make_room(struct buf *out, size_t len)
{
    char *room;

    if (len < LARGE_REPORT_BYTES || len > out->max - out->len)
        return;
    room = buf_room(out, len);
    if (room != NULL)
        plat_large_pages(room, len);
}

int fleet_report(struct fleet_store *s, const struct report_query *q, struct buf *out, struct err *e)
{
    struct drift_report *r;
    int rc = fleet_report_make(s, q, &r, e);

    if (rc != 0)
        return rc;
    if (q->kind == REPORT_DRIFT)
        make_room(out, drift_report_size(r, q->format));
    rc = fleet_report_render(r, q, out, e);
    drift_report_free(r);
    return rc;
}
