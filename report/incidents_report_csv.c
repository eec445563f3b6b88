/* The incidents report as CSV (render_csv.c has the rules): one line an incident, newest first, with its surest
 * finding in full and the names of all. */
#include "base/times.h"
#include "model/drift.h"
#include "report/incident_words.h"
#include "report/incidents_rows.h"
#include "report/report_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { JOINED_MAX = 64 * 1024 };

static void time_cell(struct buf *out, int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    report_csv_cell(out, times_format(ns, text));
}

/* Nothing below 0. */
static void number_cell(struct buf *out, int64_t value)
{
    char text[32] = "";

    if (value >= 0)
        snprintf(text, sizeof text, "%" PRId64, value);
    report_csv_cell(out, text);
}

/* A length in seconds, with milliseconds; nothing below 0. */
static void seconds_cell(struct buf *out, int64_t ns)
{
    char text[48] = "";

    if (ns >= 0)
        snprintf(text, sizeof text, "%" PRId64 ".%03d", ns / NS_PER_S, (int)(ns % NS_PER_S / NS_PER_MS));
    report_csv_cell(out, text);
}

static void flag_cell(struct buf *out, bool flag)
{
    report_csv_cell(out, flag ? "true" : "false");
}

static void joined_cell(struct buf *out, struct buf *joined)
{
    report_csv_cell(out, buf_text(joined));
    if (buf_error(joined) != ERR_OK)
        out->error = buf_error(joined);
    buf_clear(joined);
}

static void bugcheck_cells(struct buf *out, const struct incident *i)
{
    const struct incident_bugcheck *b = &i->bugcheck;
    char text[128] = "";

    if (b->known)
        snprintf(text, sizeof text, "0x%08" PRIx32, b->code);
    report_csv_cell(out, text);
    report_csv_cell(out, b->known ? b->name : "");
    text[0] = '\0';
    if (b->known && b->params_known)
        snprintf(text, sizeof text, "0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64, b->params[0], b->params[1],
                 b->params[2], b->params[3]);
    report_csv_cell(out, text);
}

static void context_cells(struct buf *out, const struct incident *i, struct buf *joined)
{
    seconds_cell(out, i->uptime_ns);
    flag_cell(out, i->rebooted);
    seconds_cell(out, !i->migration.known ? -1 : i->migration.during ? 0 : i->migration.before_ns);
    seconds_cell(out, i->migration.known ? i->migration.blackout_ns : -1);
    number_cell(out, i->storage.count);
    seconds_cell(out, i->storage.longest_ns);
    flag_cell(out, i->storage.path_lost);
    for (int n = 0; n < i->cluster_event_count; n++)
        buf_printf(joined, "%s%s", n > 0 ? " | " : "", i->cluster_events[n].signal);
    joined_cell(out, joined);
    number_cell(out, i->other_count);
    number_cell(out, i->gaps);
}

static void finding_cells(struct buf *out, const struct incident *i, struct buf *joined)
{
    const struct incident_finding *f = i->finding_count > 0 ? &i->findings[0] : NULL;

    report_csv_cell(out, f != NULL ? f->title : "");
    report_csv_cell(out, f != NULL ? incident_confidence_name(f->confidence) : "");
    report_csv_cell(out, f != NULL ? f->text : "");
    report_csv_cell(out, f != NULL ? f->action : "");
    for (int n = 0; n < i->finding_count; n++)
        buf_printf(joined, "%s%s", n > 0 ? " " : "", i->findings[n].rule);
    joined_cell(out, joined);
}

static void incident_line_csv(struct buf *out, const struct incident *i, struct buf *joined)
{
    char time[TIMES_TEXT_MAX], blamed[INCIDENT_BLAMED_MAX];
    const struct incident_dump *d = i->dump_count > 0 ? &i->dumps[0] : NULL;

    report_csv_first(out, times_format(i->time, time));
    report_csv_cell(out, i->id);
    report_csv_cell(out, i->cluster);
    report_csv_cell(out, i->host_name);
    report_csv_cell(out, i->vm_name);
    report_csv_cell(out, i->vm_id);
    report_csv_cell(out, incident_kind_name(i->kind));
    bugcheck_cells(out, i);
    report_csv_cell(out, i->linux_panic.known ? i->linux_panic.version : "");
    report_csv_cell(out, incident_blamed(i, blamed));
    report_csv_cell(out, incident_origin_name(i->origin));
    report_csv_cell(out, i->drift.known ? drift_state_name(i->drift.state) : "");
    report_csv_cell(out, i->drift.guest_version);
    report_csv_cell(out, i->drift.expected_version);
    report_csv_cell(out, i->guest_os);
    report_csv_cell(out, i->guest_os_version);
    context_cells(out, i, joined);
    report_csv_cell(out, d != NULL ? d->path : "");
    report_csv_cell(out, d == NULL ? "" : d->failure_id[0] != '\0' ? d->failure_id : d->bucket);
    finding_cells(out, i, joined);
    time_cell(out, i->migration.known ? i->migration.time : 0);
    report_csv_end(out);
}

int incidents_report_csv(const struct incidents_report *r, struct buf *out, struct err *e)
{
    struct buf joined;

    (void)e;
    buf_init(&joined, JOINED_MAX);
    buf_str(out, "time,id,cluster,host,vm_name,vm_id,kind,bugcheck,bugcheck_name,bugcheck_parameters,linux_kernel,"
                 "blamed,origin,drift_state,guest_version,expected_version,guest_os,guest_os_version,uptime_s,rebooted,"
                 "since_migration_s,migration_blackout_s,storage_events,storage_longest_wait_s,storage_path_lost,"
                 "cluster_events,other_crashes,gaps,dump,bucket,finding,confidence,finding_text,action,rules,"
                 "migration_time");
    report_csv_end(out);
    for (size_t n = 0; n < r->count; n++)
        incident_line_csv(out, incidents_newest(r, n), &joined);
    buf_free(&joined);
    return 0;
}
