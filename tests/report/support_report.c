/* See support_report.h. */
#include "tests/report/support_report.h"

#include "base/text.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

void made_start(struct made *m)
{
    memset(m, 0, sizeof *m);
    m->options.now_ns = REPORT_NOW;
    buf_init(&m->out, 16 * 1024 * 1024);
    m->peers = drift_peers_new();
    ck_assert_ptr_nonnull(m->peers);
}

void made_begin(struct made *m)
{
    struct err e = { 0 };

    ck_assert_msg(drift_report_new(&m->r, &m->options, &e) == 0, "%s", e.text);
}

void made_finish(struct made *m)
{
    struct err e = { 0 };

    ck_assert_msg(drift_report_finish(m->r, &e) == 0, "%s", e.text);
}

void made_free(struct made *m)
{
    drift_report_free(m->r);
    drift_peers_free(m->peers);
    buf_free(&m->out);
}

struct host *made_host(struct made *m, int number, const char *cluster, const char *os_version, const char *win6x)
{
    struct resource *facts = &m->h.facts;

    host_init(&m->h, NULL);
    snprintf(facts->host_id, sizeof facts->host_id, "HOST-%d", number);
    snprintf(facts->host_name, sizeof facts->host_name, "HV%02d", number);
    text_copy(facts->cluster, sizeof facts->cluster, cluster);
    text_copy(facts->os_version, sizeof facts->os_version, os_version);
    text_copy(facts->is_win6x, sizeof facts->is_win6x, win6x);
    text_copy(facts->agent_version, sizeof facts->agent_version, "1.0.0");
    m->h.last_seen = m->h.last_poll = m->h.facts_time = m->h.is_since = REPORT_NOW;
    m->h.poll_guests = 1;
    return &m->h;
}

void made_add_host(struct made *m)
{
    ck_assert_int_eq(drift_report_host(m->r, &m->h, NULL), 0);
}

void made_host_2012r2(struct made *m, int number, const char *cluster)
{
    made_host(m, number, cluster, "6.3.9600.20778", EXPECTED);
    made_add_host(m);
}

const char *made_id(int number)
{
    static char id[GUID_TEXT_MAX];

    snprintf(id, sizeof id, "B0000000-0000-4000-8000-%012d", number);
    return id;
}

void made_item(struct guest *g, enum kvp_item item, const char *text)
{
    text_copy(g->kvp[item].text, sizeof g->kvp[item].text, text);
    g->kvp[item].time = g->kvp[item].since = REPORT_NOW;
}

struct guest *made_guest(struct made *m, int number, int host, const char *name, const char *os_version,
                         const char *is_version)
{
    struct guest *g = &m->g;

    guest_init(g, made_id(number));
    snprintf(g->host_id, sizeof g->host_id, "HOST-%d", host);
    text_copy(g->name, sizeof g->name, name);
    g->power = POWER_RUNNING;
    g->inventory_time = g->last_seen = g->host_time = REPORT_NOW;
    made_item(g, KVP_OS_NAME, "Windows Server");
    made_item(g, KVP_OS_VERSION, os_version);
    made_item(g, KVP_ARCHITECTURE, "9");
    made_item(g, KVP_IS_VERSION, is_version);
    return g;
}

void made_add_guest(struct made *m)
{
    ck_assert_int_eq(drift_report_guest(m->r, &m->g, NULL), 0);
}

void made_broken(struct made *m)
{
    struct mismatch *event = &m->g.mismatch[MISMATCH_IC_INCOMPATIBLE][0];

    event->time = REPORT_NOW;
    event->event_id = 4000;
    text_copy(event->host_id, sizeof event->host_id, m->g.host_id);
}

static const char *made(struct made *m, int rc, const struct err *e)
{
    ck_assert_msg(rc == 0, "%s", e->text);
    return buf_text(&m->out);
}

const char *made_drift(struct made *m, enum report_format format)
{
    struct err e = { 0 };

    buf_clear(&m->out);
    return made(m, drift_report_render(m->r, format, NULL, &m->out, &e), &e);
}

const char *made_hosts(struct made *m, enum report_format format)
{
    struct err e = { 0 };

    buf_clear(&m->out);
    return made(m, hosts_report_render(m->r, format, NULL, &m->out, &e), &e);
}
