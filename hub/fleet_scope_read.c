/* The scoped body's readers of the present (fleet_scope.h): hosts, guests, agents, findings. */
#include "base/text.h"
#include "hub/fleet_scope_body.h"

#include <string.h>

int scoped_host_get(struct fleet_body *b, const char *host_id, struct host *out, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    int rc = s->inner->ops->host_get(s->inner, host_id, out, e);

    if (rc == 0 && !fleet_scope_has(&s->scope, out->facts.cluster)) {
        memset(out, 0, sizeof *out);
        rc = ERR_NOT_FOUND;
    }
    return rc;
}

int scoped_guest_get(struct fleet_body *b, const char *vm_id, struct guest *out, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    int rc = scoped_hosts(s, e);

    if (rc == 0)
        rc = s->inner->ops->guest_get(s->inner, vm_id, out, e);
    if (rc == 0 && !scoped_host_within(s, out->host_id)) {
        memset(out, 0, sizeof *out);
        rc = ERR_NOT_FOUND;
    }
    return rc;
}

int scoped_guest_next_on_host(struct fleet_body *b, const char *host_id, const char *after, struct guest *out,
                              struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    int rc = scoped_hosts(s, e);

    if (rc == 0 && !scoped_host_within(s, host_id))
        return ERR_NOT_FOUND;
    return rc != 0 ? rc : s->inner->ops->guest_next_on_host(s->inner, host_id, after, out, e);
}

/* ---- everything of a kind --------------------------------------------------------------- */

struct reading {
    struct scoped_body *s;
    const struct fleet_reader *r;
    bool ended; /* the kind that is read now */
    /* Of a page. */
    int seen, given;
    char last[GUID_TEXT_MAX];
};

static bool take_host(void *arg, const struct host *h)
{
    struct reading *g = (struct reading *)arg;

    if (scoped_host_within(g->s, h->facts.host_id))
        g->ended = !g->r->host(g->r->arg, h);
    return !g->ended;
}

static bool take_guest(void *arg, const struct guest *v)
{
    struct reading *g = (struct reading *)arg;

    if (scoped_host_within(g->s, v->host_id))
        g->ended = !g->r->guest(g->r->arg, v);
    return !g->ended;
}

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct reading *g = (struct reading *)arg;

    if (scoped_host_within(g->s, a->host_id))
        g->ended = !g->r->agent(g->r->arg, a);
    return !g->ended;
}

/* Findings about two hosts may name one that is not within. */
static bool give_finding(const struct scoped_body *s, const struct fleet_finding *f, fleet_take_finding *take,
                         void *arg)
{
    struct fleet_finding shown = *f;

    if (!scoped_host_within(s, f->host_id))
        return true;
    if (f->kind == FINDING_SHARED_AGENT_ID)
        text_copy(shown.text, sizeof shown.text,
                  "another host speaks with its agent's id: a cloned host; who sees the whole fleet sees which");
    else if (f->kind == FINDING_IDENTITY)
        text_copy(shown.text, sizeof shown.text,
                  "somebody spoke for this host without its credential; who sees the whole fleet sees who");
    return take(arg, &shown);
}

static bool take_finding(void *arg, const struct fleet_finding *f)
{
    struct reading *g = (struct reading *)arg;

    return give_finding(g->s, f, g->r->finding, g->r->arg);
}

static int inner_read(struct reading *g, const struct fleet_reader *r, struct err *e)
{
    return g->s->inner->ops->read(g->s->inner, r, e);
}

/* One kind, of the cluster or host that was asked for, else of each cluster of the scope. */
static int read_kind(struct reading *g, struct fleet_reader kind, struct err *e)
{
    char cluster[FLEET_CLUSTER_MAX];
    const char *at = NULL;
    int rc = 0;

    kind.arg = g;
    kind.scoped = true;
    g->ended = false;
    if (g->r->host_id != NULL && kind.host == NULL) {
        kind.host_id = g->r->host_id;
        return scoped_host_within(g->s, kind.host_id) ? inner_read(g, &kind, e) : 0;
    }
    /* The cluster of a reader that is not scoped is the guests' alone. */
    if (g->r->cluster != NULL && (g->r->scoped || kind.guest != NULL)) {
        kind.cluster = g->r->cluster;
        return fleet_scope_has(&g->s->scope, kind.cluster) ? inner_read(g, &kind, e) : 0;
    }
    while (rc == 0 && !g->ended && scoped_next(g->s, &at, cluster)) {
        kind.cluster = cluster;
        rc = inner_read(g, &kind, e);
    }
    return rc;
}

static bool take_page_guest(void *arg, const struct guest *v)
{
    struct reading *g = (struct reading *)arg;

    g->seen++;
    text_copy(g->last, sizeof g->last, v->vm_id);
    if (!scoped_host_within(g->s, v->host_id))
        return true;
    g->given++;
    g->ended = !g->r->guest(g->r->arg, v);
    return !g->ended && g->given < g->r->page_rows;
}

/* A page is full when so many guests of the scope were on the pages of all. */
static int read_page(struct reading *g, struct err *e)
{
    struct fleet_reader page = {
        .arg = g, .guest = take_page_guest, .page_state = g->r->page_state, .page_rows = g->r->page_rows
    };
    char after[GUID_TEXT_MAX];
    int rc;

    text_copy(g->last, sizeof g->last, g->r->page_after);
    g->ended = false;
    g->given = 0;
    do {
        text_copy(after, sizeof after, g->last);
        page.page_after = after;
        g->seen = 0;
        rc = inner_read(g, &page, e);
    } while (rc == 0 && !g->ended && g->seen == page.page_rows && g->given < page.page_rows);
    return rc;
}

int scoped_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct reading g = { .s = s, .r = r };
    const struct fleet_reader peers = { .peers = r->peers }, findings = { .arg = &g, .finding = take_finding };
    int rc = scoped_hosts(s, e);

    if (rc == 0 && r->peers != NULL)
        rc = inner_read(&g, &peers, e);
    if (rc == 0 && r->host != NULL)
        rc = read_kind(&g, (struct fleet_reader){ .host = take_host }, e);
    if (rc == 0 && r->guest != NULL)
        rc = r->page_after != NULL ? read_page(&g, e) : read_kind(&g, (struct fleet_reader){ .guest = take_guest }, e);
    if (rc == 0 && r->agent != NULL)
        rc = read_kind(&g, (struct fleet_reader){ .agent = take_agent }, e);
    if (rc == 0 && r->finding != NULL)
        rc = inner_read(&g, &findings, e);
    return rc;
}

/* ---- findings ------------------------------------------------------------------------------- */

struct finding {
    const struct scoped_body *s;
    fleet_take_finding *finding;
    fleet_take_heard *heard;
    void *arg;
};

static bool pass_finding(void *arg, const struct fleet_finding *f)
{
    const struct finding *p = (const struct finding *)arg;

    return give_finding(p->s, f, p->finding, p->arg);
}

static bool pass_heard(void *arg, const struct fleet_heard *h)
{
    const struct finding *p = (const struct finding *)arg;

    return !scoped_host_within(p->s, h->host_id) || p->heard(p->arg, h);
}

int scoped_read_findings(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take, void *arg,
                         struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct finding pass = { .s = s, .finding = take, .arg = arg };
    int rc = scoped_hosts(s, e);

    return rc != 0 ? rc : s->inner->ops->read_findings(s->inner, q, pass_finding, &pass, e);
}

int scoped_read_silent(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                       fleet_take_heard *take, void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct finding pass = { .s = s, .heard = take, .arg = arg };
    int rc = scoped_hosts(s, e);

    return rc != 0 ? rc : s->inner->ops->read_silent(s->inner, q, heard_before, pass_heard, &pass, e);
}

int scoped_read_other_agents(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                             fleet_take_heard *take, void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct finding pass = { .s = s, .heard = take, .arg = arg };
    int rc = scoped_hosts(s, e);

    return rc != 0 ? rc : s->inner->ops->read_other_agents(s->inner, q, version, pass_heard, &pass, e);
}

int scoped_read_versions(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);

    return s->inner->ops->read_versions(s->inner, take, arg, e);
}
