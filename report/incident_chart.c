/* See incident_chart.h.
 *
 * The scale: a time t seconds from the crash is drawn at sign(t) * log(1 + |t| / NEAR_S) from the crash's place; the
 * two sides share the width by how far each reaches.
 */
#include "report/incident_chart.h"

#include "base/times.h"
#include "report/html_page.h"
#include "report/incident_words.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    WIDTH = 960,
    LEFT = 110, /* the lanes' names */
    RIGHT = 20,
    TOP = 26, /* the axis */
    LANE = 26,
    MARK = 6,      /* half a mark's size */
    SIDE_MIN = 60, /* pixels that the shorter side has at least */
    NEAR_S = 2,
    TICK_APART = 46, /* pixels between the words at the axis */
};

static const struct {
    const char *name;
    unsigned kinds; /* of entries, as bits */
} lanes[] = {
    { "Guest", 1u << ENTRY_CRASH | 1u << ENTRY_LIFECYCLE },
    { "Dump", 1u << ENTRY_DUMP },
    { "Migration", 1u << ENTRY_MIGRATION },
    { "Integration", 1u << ENTRY_VERSION },
    { "Storage", 1u << ENTRY_STORAGE },
    { "Cluster", 1u << ENTRY_CLUSTER },
    { "Host", 1u << ENTRY_HOST },
    { "Other guests", 1u << ENTRY_OTHER_CRASH },
    { "Not known", 1u << ENTRY_GAP },
};
enum { LANES = sizeof lanes / sizeof lanes[0] };
_Static_assert(ENTRY_COUNT == 10, "each kind has a lane");

struct scale {
    const struct incident *i;
    double before, after;     /* how far each side reaches, in logs */
    double zero, left, right; /* pixels: of the crash, and of a log on each side */
};

static double logs(const struct incident *i, int64_t time)
{
    double s = (double)(time - i->time) / (double)NS_PER_S;

    return s < 0 ? -log1p(-s / NEAR_S) : log1p(s / NEAR_S);
}

static void reach(struct scale *s, int64_t time)
{
    double at;

    if (time == 0)
        return;
    at = logs(s->i, time);
    s->before = fmax(s->before, -at);
    s->after = fmax(s->after, at);
}

static struct scale scale_of(const struct incident *i)
{
    struct scale s = { .i = i };
    double wide = WIDTH - LEFT - RIGHT, before;

    for (int n = 0; n < i->timeline_count; n++) {
        reach(&s, i->timeline[n].time);
        reach(&s, i->timeline[n].until);
    }
    before = s.before + s.after > 0 ? wide * s.before / (s.before + s.after) : wide / 2;
    before = fmin(fmax(before, SIDE_MIN), wide - SIDE_MIN);
    s.zero = LEFT + before;
    s.left = s.before > 0 ? before / s.before : 0;
    s.right = s.after > 0 ? (wide - before) / s.after : 0;
    return s;
}

static double place(const struct scale *s, int64_t time)
{
    double at = logs(s->i, time);

    return s->zero + at * (at < 0 ? s->left : s->right);
}

/* ---- drawing ------------------------------------------------------------------------------------ */

static void tick(const struct scale *s, int64_t seconds, const char *name, int bottom, struct buf *out)
{
    double x = place(s, s->i->time + seconds * NS_PER_S);

    buf_printf(out, "<line class=\"axis\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x, TOP - 6, x, bottom);
    buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s%s</text>", x, TOP - 10,
               seconds < 0 ? "\xE2\x88\x92" : "+", name);
}

/* Round times within what is drawn, from the crash outwards, as many as have room. */
static void ticks(const struct scale *s, int side, int bottom, struct buf *out)
{
    static const struct {
        int seconds;
        const char *name;
    } round[] = {
        { 1, "1 s" },    { 10, "10 s" },   { 60, "1 min" },  { 600, "10 min" },
        { 3600, "1 h" }, { 21600, "6 h" }, { 86400, "1 d" }, { 604800, "7 d" },
    };
    double last = s->zero, end = side < 0 ? s->before : s->after;

    for (size_t n = 0; n < sizeof round / sizeof round[0]; n++) {
        double x = place(s, s->i->time + side * round[n].seconds * NS_PER_S);

        if (log1p(round[n].seconds / (double)NEAR_S) > end || fabs(x - last) < TICK_APART)
            continue;
        tick(s, side * (int64_t)round[n].seconds, round[n].name, bottom, out);
        last = x;
    }
}

static void entry_title(const struct incident *i, const struct incident_entry *t, struct buf *out)
{
    char offset[INCIDENT_OFFSET_MAX];

    buf_str(out, "<title>");
    html_escaped(out, incident_offset(i, t->time, offset));
    buf_str(out, " ");
    html_escaped(out, t->what);
    buf_str(out, "</title>");
}

static void mark(const struct scale *s, const struct incident_entry *t, int y, struct buf *out)
{
    const char *class = t->kind == ENTRY_GAP ? "gap" : t->sign ? "sign" : "mark";
    double from = t->time != 0 ? place(s, t->time) : LEFT, to = t->until != 0 ? place(s, t->until) : from;
    bool span = t->kind == ENTRY_GAP || to - from > 2 * MARK;

    if (span)
        buf_printf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"4\">", class,
                   from - (t->kind == ENTRY_GAP ? 0 : MARK / 2.0), y - MARK, fmax(to - from, MARK), 2 * MARK);
    else if (t->sign)
        buf_printf(out, "<path class=\"%s\" d=\"M%.1f %dl%d %dl-%d %dl-%d-%dz\">", class, from, y - MARK - 1, MARK + 1,
                   MARK + 1, MARK + 1, MARK + 1, MARK + 1, MARK + 1);
    else
        buf_printf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" r=\"%d\">", class, from, y, MARK - 1);
    entry_title(s->i, t, out);
    buf_str(out, span ? "</rect>" : t->sign ? "</path>" : "</circle>");
}

/* The entries of the kinds of one lane; returns how many there are. */
static int lane(const struct scale *s, int n, int y, struct buf *out)
{
    int found = 0;

    for (int e = 0; e < s->i->timeline_count; e++) {
        const struct incident_entry *t = &s->i->timeline[e];

        if ((lanes[n].kinds >> t->kind & 1) == 0 || (t->time == 0 && t->until == 0))
            continue;
        found++;
        if (out != NULL)
            mark(s, t, y, out);
    }
    return found;
}

void incident_chart(const struct incident *i, struct buf *out)
{
    struct scale s;
    int used = 0, y = TOP + LANE / 2, bottom;

    if (i->time == 0 || i->timeline_count < 2)
        return;
    s = scale_of(i);
    for (int n = 0; n < LANES; n++)
        used += lane(&s, n, 0, NULL) > 0;
    bottom = TOP + used * LANE;
    buf_printf(
        out,
        "<svg class=\"timeline\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"What happened before and after the "
        "crash; the timeline below says the same\">\n",
        WIDTH, bottom + 6);
    ticks(&s, -1, bottom, out);
    ticks(&s, 1, bottom, out);
    buf_printf(out, "<line class=\"now\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", s.zero, TOP - 6, s.zero,
               bottom);
    buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">crash</text>\n", s.zero, TOP - 10);
    for (int n = 0; n < LANES; n++) {
        if (lane(&s, n, 0, NULL) == 0)
            continue;
        buf_printf(out, "<line class=\"axis\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", y + LANE / 2, WIDTH,
                   y + LANE / 2);
        buf_printf(out, "<text x=\"0\" y=\"%d\">%s</text>", y + 4, lanes[n].name);
        (void)lane(&s, n, y, out);
        buf_char(out, '\n');
        y += LANE;
    }
    buf_str(out, "</svg>\n");
}
