/* Incidents in what a delivery says: each with who crashed, the surest finding, what to do, and its page. */
#include "base/text.h"
#include "hub/deliver_content.h"
#include "report/incident_words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void clean(char *out, size_t size, const char *text)
{
    text_clean(out, size, text, strlen(text), NULL);
}

/* "0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL in storvsc.sys+0x2b8, 2026-01-31 08:00:03 UTC" */
static void say_what(const struct incident *i, struct content_item *item)
{
    char time[INCIDENT_TIME_MAX], blamed[INCIDENT_BLAMED_MAX], text[FLEET_EVIDENCE_MAX];

    incident_headline(i, item->code, sizeof item->code);
    incident_blamed(i, blamed);
    snprintf(text, sizeof text, "%s%s%.200s, %s UTC", item->code, blamed[0] != '\0' ? " in " : "", blamed,
             incident_time_words(i->time, time));
    clean(item->text, sizeof item->text, text);
}

void content_incident_item(const struct incident *i, const char *public_url, struct content_item *item)
{
    clean(item->name, sizeof item->name, incident_guest(i));
    clean(item->host, sizeof item->host, i->host_name[0] != '\0' ? i->host_name : i->host_id);
    clean(item->cluster, sizeof item->cluster, i->cluster);
    clean(item->subject, sizeof item->subject, i->id);
    item->crash_ns = i->time;
    say_what(i, item);
    if (i->finding_count > 0) {
        const struct incident_finding *f = &i->findings[0];

        clean(item->finding, sizeof item->finding, f->text);
        clean(item->action, sizeof item->action, f->action);
        clean(item->confidence, sizeof item->confidence, incident_confidence_name(f->confidence));
    }
    if (public_url[0] != '\0')
        snprintf(item->link, sizeof item->link, "%.*s%sincident/%s", DELIVERY_URL_MAX - 1, public_url,
                 public_url[strlen(public_url) - 1] == '/' ? "" : "/", i->id);
}

bool content_detail(const struct content_item *item, int which, struct buf *out)
{
    if (item->code[0] == '\0' || which >= CONTENT_DETAILS)
        return false;
    if (which == 0 && item->finding[0] == '\0')
        buf_str(out, "Finding: no rule explains it by what is known");
    else if (which == 0)
        buf_printf(out, "Finding (%s confidence): %s", item->confidence, item->finding);
    else if (item->action[0] != '\0')
        buf_printf(out, "To do: %s", item->action);
    return out->len > 0;
}

/* ---- what was found -------------------------------------------------------------------- */

int content_name_incident(struct content_item *item, struct fleet_store *s, const char *public_url, struct err *e)
{
    struct fleet_incident found;
    int rc = fleet_store_incident(s, item->subject, &found, e);

    clean(item->name, sizeof item->name, item->subject);
    if (rc == 0)
        content_incident_item(found.incident, public_url, item);
    incident_free(found.incident);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* ---- a report's ------------------------------------------------------------------------- */

/* FNV-1a over what is said of an incident; sums of it are the same in any order. */
static uint64_t fingerprint_of(const struct incident *i)
{
    const char *texts[] = { i->id, i->finding_count > 0 ? i->findings[0].rule : "" };
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        for (const char *p = texts[n]; *p != '\0'; p++)
            h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
        h = (h ^ '\n') * UINT64_C(1099511628211);
    }
    return h ^ h >> 29;
}

int content_take_incidents(struct content *c, const struct content_source *from, struct err *e)
{
    struct fleet_incident_query q;
    struct incident_list list;
    uint64_t more;
    int rc;

    fleet_incident_query_all(&q);
    q.cluster = c->delivery->cluster[0] != '\0' ? c->delivery->cluster : NULL;
    q.since_ns = from->since_ns;
    q.limit = FLEET_INCIDENTS_MAX;
    rc = fleet_store_incident_list(from->store, &q, &list, &more, e);
    if (rc != 0)
        return rc;
    c->item_total = list.count + more;
    for (size_t n = list.count; n-- > 0;) { /* the newest first */
        c->fingerprint += fingerprint_of(list.items[n]);
        if (c->item_count < CONTENT_ITEMS_EACH)
            content_incident_item(list.items[n], from->config->public_url, &c->items[c->item_count++]);
    }
    incident_list_free(&list);
    return 0;
}
