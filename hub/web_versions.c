/* Versions in each guest OS (web_list.h), counted from the rows.
 *
 * OS names and versions are written by guests, so that there may be as many as
 * guests: the rows are sorted, counted in runs, and only the OSes with the most
 * guests are shown, each with its most frequent versions. */
#include "hub/web_html.h"
#include "hub/web_list.h"

#include <stdlib.h>
#include <string.h>

enum { OS_SHOWN = 12, VERSIONS_SHOWN = 8 };

/* A run of guests with the same OS and version. */
struct run {
    const char *os, *version;
    size_t guests;
};

/* The runs of one OS: first .. first + count. */
struct os_runs {
    size_t first, count, guests;
};

static int by_os_and_version(const void *a, const void *b)
{
    const struct web_row *x = *(const struct web_row *const *)a, *y = *(const struct web_row *const *)b;
    int order = strcmp(x->os, y->os);

    return order != 0 ? order : strcmp(x->version, y->version);
}

static int most_guests_first(const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    if (x->guests != y->guests)
        return x->guests < y->guests ? 1 : -1;
    return strcmp(x->version, y->version);
}

static int largest_os_first(const void *a, const void *b)
{
    const struct os_runs *x = a, *y = b;

    if (x->guests != y->guests)
        return x->guests < y->guests ? 1 : -1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static size_t find_runs(const struct web_list *l, struct run *runs)
{
    const struct web_row **sorted = calloc(l->row_count + 1, sizeof(const struct web_row *));
    size_t count = 0;

    if (sorted == NULL)
        return 0;
    for (size_t i = 0; i < l->row_count; i++)
        sorted[i] = &l->rows[i];
    qsort(sorted, l->row_count, sizeof *sorted, by_os_and_version);
    for (size_t i = 0; i < l->row_count; i++) {
        if (i == 0 || by_os_and_version(&sorted[i - 1], &sorted[i]) != 0)
            runs[count++] = (struct run){ sorted[i]->os, sorted[i]->version, 0 };
        runs[count - 1].guests++;
    }
    free(sorted);
    return count;
}

static size_t find_oses(struct run *runs, size_t run_count, struct os_runs *oses)
{
    size_t count = 0;

    for (size_t i = 0; i < run_count; i++) {
        if (i == 0 || strcmp(runs[i - 1].os, runs[i].os) != 0)
            oses[count++] = (struct os_runs){ .first = i };
        oses[count - 1].count++;
        oses[count - 1].guests += runs[i].guests;
    }
    for (size_t i = 0; i < count; i++)
        qsort(runs + oses[i].first, oses[i].count, sizeof *runs, most_guests_first);
    qsort(oses, count, sizeof *oses, largest_os_first);
    return count;
}

static void put_guests_link(struct buf *out, const struct web_list *l, const struct run *run, size_t guests)
{
    struct web_query q;

    (void)web_query_init(&q, l->query->page == WEB_FLEET ? WEB_GUESTS : l->query->page, l->query->name);
    if (run->os[0] == '\0' || run->version[0] == '\0' || web_query_set(&q, "os", run->os) != NULL ||
        web_query_set(&q, "version", run->version) != NULL) {
        buf_printf(out, "%zu", guests);
        return;
    }
    buf_str(out, "<a href=\"");
    web_query_address(&q, out);
    buf_printf(out, "\">%zu</a>", guests);
}

static void put_version(struct buf *out, const struct web_list *l, const struct run *run, size_t guests,
                        const char *shown)
{
    buf_str(out, "<tr><th scope=\"row\">");
    web_text(out, run->os[0] != '\0' ? run->os : "not known");
    buf_str(out, "</th><td class=\"version\">");
    web_text(out, shown);
    buf_str(out, "</td><td class=\"number\">");
    if (shown == run->version)
        put_guests_link(out, l, run, guests);
    else
        buf_printf(out, "%zu", guests);
    buf_str(out, "</td></tr>\n");
}

static void put_os(struct buf *out, const struct web_list *l, const struct run *runs, const struct os_runs *os)
{
    size_t shown = os->count <= VERSIONS_SHOWN ? os->count : VERSIONS_SHOWN - 1;
    size_t left = os->guests;

    for (size_t i = 0; i < shown; i++) {
        const struct run *run = &runs[os->first + i];

        put_version(out, l, run, run->guests, run->version[0] != '\0' ? run->version : "not known");
        left -= run->guests;
    }
    if (left > 0)
        put_version(out, l, &runs[os->first], left, "other versions");
}

static void put_oses(struct buf *out, const struct web_list *l, const struct run *runs, const struct os_runs *oses,
                     size_t count)
{
    buf_str(out, "<section aria-labelledby=\"versions-title\">\n"
                 "<h2 id=\"versions-title\">Versions in each guest OS</h2>\n"
                 "<div class=\"chart\" data-chart=\"versions\" data-table=\"versions-table\" hidden></div>\n"
                 "<p class=\"count\">Each piece of a bar is a version, the most frequent first.</p>\n"
                 "<details><summary>Versions in each guest OS as a table</summary>\n"
                 "<div class=\"scroll\" role=\"region\" aria-label=\"Versions, table\" tabindex=\"0\">"
                 "<table id=\"versions-table\" class=\"list\">\n"
                 "<caption>Integration services versions by guest OS</caption>\n<thead><tr>"
                 "<th scope=\"col\">Guest OS</th><th scope=\"col\">Version</th>"
                 "<th scope=\"col\" class=\"number\">Guests</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < count && i < OS_SHOWN; i++)
        put_os(out, l, runs, &oses[i]);
    buf_str(out, "</tbody></table></div></details>\n");
    if (l->query->page != WEB_FLEET && web_query_filters(l->query))
        buf_str(out, "<p class=\"count\">Of the guests that pass the filter.</p>\n");
    if (count > OS_SHOWN)
        buf_printf(out, "<p class=\"count\">The %d guest OSes with the most guests, of %zu.</p>\n", OS_SHOWN, count);
    buf_str(out, "</section>\n");
}

void web_put_versions(struct buf *out, struct web_list *l)
{
    struct run *runs = calloc(l->row_count + 1, sizeof *runs);
    struct os_runs *oses = calloc(l->row_count + 1, sizeof *oses);

    if (runs != NULL && oses != NULL && l->row_count > 0) {
        size_t count = find_runs(l, runs);

        count = find_oses(runs, count, oses);
        put_oses(out, l, runs, oses, count);
    }
    free(runs);
    free(oses);
}
