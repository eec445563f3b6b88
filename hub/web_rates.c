/* How often guests crash, for the page of incidents: counts, the time they were watched, and intervals; and in words
 * what these numbers can not say. */
#include "base/times.h"
#include "hub/web_incidents.h"

#include <inttypes.h>
#include <math.h>

#define NS_PER_DAY (86400 * NS_PER_S)

enum { GROUPS_LISTED = 10 };

static const struct {
    enum statistics_grouping by;
    const char *id, *title, *head;
} groupings[] = {
    { BY_DRIFT_STATE, "rates-state", "By state of the integration services", "State" },
    { BY_GUEST_OS, "rates-os", "By guest OS", "Guest OS" },
    { BY_BUGCHECK, "rates-code", "By kind of crash", "Kind of crash" },
    { BY_MODULE, "rates-module", "By blamed module", "Module" },
    { BY_DRIVER_VERSION, "rates-driver", "By driver version", "Driver" },
    { BY_BUCKET, "rates-bucket", "By bucket", "Bucket" },
    { BY_ORIGIN, "rates-origin", "By origin of what is blamed", "Origin" },
};

static void put_number(struct buf *out, double n)
{
    if (isfinite(n))
        buf_printf(out, n >= 100 ? "%.0f" : n >= 10 ? "%.1f" : "%.2f", n);
    else
        buf_str(out, "more");
}

static void put_rate(struct buf *out, const struct crash_rate *rate)
{
    buf_printf(out, "<td class=\"number\">%" PRIu64 "</td><td class=\"number\">", rate->crashes);
    if (rate->guest_days > 0)
        buf_printf(out, "%.0f", rate->guest_days);
    else
        web_name(out, "");
    buf_str(out, "</td><td class=\"number\">");
    if (!rate->known) {
        web_name(out, "");
        buf_str(out, "</td><td class=\"number\">");
        web_name(out, "");
    } else {
        put_number(out, rate->per_1000);
        buf_str(out, "</td><td class=\"number\">");
        put_number(out, rate->low);
        buf_str(out, " to ");
        put_number(out, rate->high);
    }
    buf_str(out, "</td></tr>\n");
}

static void put_head(struct buf *out, const char *title, const char *head)
{
    buf_printf(out,
               "<div class=\"scroll\" role=\"region\" aria-label=\"%s, table\" tabindex=\"0\"><table class=\"list\">\n"
               "<caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"number\">"
               "Crashes</th><th scope=\"col\" class=\"number\">Guest-days</th><th scope=\"col\" class=\"number\">Per "
               "1,000 guest-days</th><th scope=\"col\" class=\"number\">95 %% interval</th></tr></thead>\n<tbody>\n",
               title, title, head);
}

static void put_grouping(struct buf *out, struct statistics *st, size_t n)
{
    size_t count;
    const struct statistics_group *groups = statistics_groups(st, &count);

    if (groups == NULL)
        out->error = ERR_MEMORY;
    if (count == 0)
        return;
    put_head(out, groupings[n].title, groupings[n].head);
    for (size_t g = 0; g < count && g < GROUPS_LISTED; g++) {
        buf_str(out, "<tr><th scope=\"row\">");
        web_name(out, groups[g].label);
        buf_str(out, "</th>");
        put_rate(out, &groups[g].rate);
    }
    buf_str(out, "</tbody></table></div>\n");
    if (count > GROUPS_LISTED)
        buf_printf(out, "<p class=\"count\">and %zu more, which the report as JSON has.</p>\n", count - GROUPS_LISTED);
}

static void put_all(struct buf *out, const struct crash_rate *total)
{
    buf_printf(out, "<p class=\"lead\"><strong>%" PRIu64 "</strong> %s", total->crashes,
               total->crashes == 1 ? "crash" : "crashes");
    if (total->guest_days > 0)
        buf_printf(out, " in <strong>%.0f</strong> guest-days", total->guest_days);
    if (total->known) {
        buf_str(out, ": ");
        put_number(out, total->per_1000);
        buf_str(out, " per 1,000 guest-days (95 % interval ");
        put_number(out, total->low);
        buf_str(out, " to ");
        put_number(out, total->high);
        buf_str(out, ")");
    }
    buf_str(out, ".</p>\n");
}

static void put_rates(struct buf *out, const struct fleet_statistics *st)
{
    const struct crash_rate *total = statistics_total(st->by[BY_DRIFT_STATE]);

    put_all(out, total);
    for (size_t n = 0; n < st->sentence_count; n++) {
        buf_str(out, "<p>");
        web_name(out, st->sentences[n]);
        buf_str(out, ".</p>\n");
    }
    buf_str(out, "<p class=\"count\">An interval says how far chance alone can have moved the number. Groups differ in "
                 "much besides what they are named by: that one crashes more often does not say why.</p>\n");
    if (total->crashes == 0)
        return;
    buf_str(out, "<details><summary>Crash rates by group</summary>\n");
    for (size_t n = 0; n < sizeof groupings / sizeof groupings[0]; n++) {
        if (st->by[groupings[n].by] != NULL)
            put_grouping(out, st->by[groupings[n].by], n);
    }
    buf_str(out, "</details>\n");
}

int web_put_rates(struct buf *out, struct fleet_store *s, const struct web_moment *m, const char *cluster,
                  struct err *e)
{
    struct fleet_statistics st;
    int rc = fleet_store_statistics(s, cluster[0] != '\0' ? cluster : NULL, m->now_ns - WEB_RATE_DAYS * NS_PER_DAY,
                                    m->now_ns, &st, e);

    if (rc == 0) {
        buf_printf(out,
                   "<section aria-labelledby=\"rates-title\">\n<h2 id=\"rates-title\">How often guests crash: the last "
                   "%d days",
                   WEB_RATE_DAYS);
        if (cluster[0] != '\0') {
            buf_str(out, " of ");
            web_name(out, cluster);
        }
        buf_str(out, "</h2>\n");
        put_rates(out, &st);
        buf_str(out, "</section>\n");
    }
    fleet_statistics_free(&st);
    return rc;
}
