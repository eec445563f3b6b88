/* The bodies of webhooks: generic JSON (hvfleet.delivery/1, docs/delivery.md), a Teams
 * workflow's adaptive card, Slack's text and blocks.
 *
 * Chat services have limits, and names made by guests must not become markup:
 * - Teams: 28 KB a message.  Lines are RichTextBlocks, whose TextRuns know no Markdown.
 * - Slack: 50 blocks, 3000 characters a text, 150 a header.  Lines are plain_text; the
 *   fallback text has & < > escaped, so nothing in it is a mention or a link.
 * An incident is several lines, kept together, and a link to its page: in Teams the last line, in Slack a button.
 * Lines that do not fit are counted ("and 12 more"). */
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_send.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHAPE_LINE_MAX = 300,     /* bytes of one line */
    SHAPE_DETAIL_MAX = 700,   /* of one line below it */
    TEAMS_LINES_BYTES = 8000, /* before JSON's escapes, which double them at most */
    TEAMS_BLOCK_BYTES = 100,  /* what a line costs besides its text */
    SLACK_SECTION_BYTES = 2800,
    SLACK_SECTIONS = 4,
    SLACK_INCIDENTS = 12, /* each is a section of its own */
    SLACK_HEADER_BYTES = 140,
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_MEMORY, "out of memory for a webhook");
}

/* Appends the document and lets go of it. */
static int dump(json_t *root, struct buf *out, struct err *e)
{
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    int rc = 0;

    json_decref(root);
    if (text == NULL)
        return no_memory(e);
    buf_str(out, text);
    free(text);
    if (buf_error(out) != ERR_OK)
        rc = err_set(e, buf_error(out), "what is to be delivered is larger than %zu bytes: deliver it by cluster",
                     out->max);
    return rc;
}

static void line_of(const struct content_item *item, char out[SHAPE_LINE_MAX])
{
    struct buf line;

    buf_init(&line, CONTENT_LINE_BYTES);
    if (item->event[0] != '\0')
        buf_printf(&line, "%s: ", item->event);
    content_line(item, &line);
    text_clean(out, SHAPE_LINE_MAX, buf_text(&line), line.len, NULL);
    buf_free(&line);
}

/* False: it has no such line. */
static bool detail_of(const struct content_item *item, int which, char out[SHAPE_DETAIL_MAX])
{
    struct buf line;
    bool there;

    buf_init(&line, CONTENT_LINE_BYTES);
    there = content_detail(item, which, &line);
    if (there)
        text_clean(out, SHAPE_DETAIL_MAX, buf_text(&line), line.len, NULL);
    buf_free(&line);
    return there;
}

/* ---- generic -------------------------------------------------------------------------- */

static json_t *states_of(const struct content *c)
{
    json_t *states = json_object();

    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        if (c->summary.by_state[s] > 0)
            json_object_set_new(states, drift_state_name((enum drift_state)s),
                                json_integer((json_int_t)c->summary.by_state[s]));
    }
    return states;
}

/* What an incident has besides. */
static void put_incident(json_t *found, const struct content_item *item)
{
    const char *const texts[][2] = {
        { "code", item->code },     { "finding", item->finding }, { "confidence", item->confidence },
        { "action", item->action }, { "link", item->link },
    };
    char time[TIMES_TEXT_MAX];

    json_object_set_new(found, "time", json_string(times_format(item->crash_ns, time)));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_object_set_new(found, texts[i][0], json_string(texts[i][1]));
}

static json_t *found_of(const struct content *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->item_count && c->kind == JOB_FOUND; i++) {
        const struct content_item *item = &c->items[i];

        json_t *found = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", item->event, "id", item->subject, "name",
                                  item->name, "host", item->host, "cluster", item->cluster, "text", item->text);

        if (item->code[0] != '\0')
            put_incident(found, item);
        json_array_append_new(list, found);
    }
    return list;
}

/* The report was rendered already, and is put in as it is. */
int shape_json(const struct content *c, struct buf *out, struct err *e)
{
    char time[TIMES_TEXT_MAX];
    struct buf front;
    int rc;
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:{s:I, s:I, s:I, s:I, s:I, s:o}, s:o, s:I}", "schema",
                  "hvfleet.delivery/1", "id", c->id, "delivery", c->delivery->name, "kind",
                  c->kind == JOB_FOUND ? "found" : "report", "test", (int)c->test, "generated_at",
                  times_format(c->made_ns / NS_PER_S * NS_PER_S, time), "title", c->title, "link", c->link, "summary",
                  "guests", (json_int_t)c->summary.guests, "hosts", (json_int_t)c->summary.hosts, "need_a_look",
                  (json_int_t)c->summary.need_a_look, "problems", (json_int_t)c->summary.problems, "host_findings",
                  (json_int_t)c->summary.host_findings, "by_state", states_of(c), "found", found_of(c), "found_total",
                  (json_int_t)(c->kind == JOB_FOUND ? c->item_total : 0));

    buf_init(&front, CONTENT_JSON_BYTES);
    rc = dump(root, &front, e);
    if (rc == 0) {
        buf_add(out, buf_text(&front), front.len - 1); /* without its closing brace */
        buf_printf(out, ",\"report\":%s}", c->json.len > 0 ? buf_text(&c->json) : "null");
        rc = buf_error(out) == ERR_OK ? 0 : err_set(e, buf_error(out), "the report is too large for a webhook");
    }
    buf_free(&front);
    return rc;
}

/* ---- Teams ------------------------------------------------------------------------------ */

static json_t *rich_text(const char *text, const char *weight)
{
    return json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "type", "RichTextBlock", "inlines", "type", "TextRun", "text", text,
                     "weight", weight);
}

static void teams_facts(const struct content *c, json_t *body)
{
    json_t *facts = json_array();
    char number[32];

    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        if (c->summary.by_state[s] == 0)
            continue;
        snprintf(number, sizeof number, "%zu", c->summary.by_state[s]);
        json_array_append_new(facts,
                              json_pack("{s:s, s:s}", "title", drift_state_name((enum drift_state)s), "value", number));
    }
    json_array_append_new(body, json_pack("{s:s, s:o}", "type", "FactSet", "facts", facts));
}

/* A line whose text opens a page. */
static json_t *teams_link(const char *text, const char *url)
{
    return json_pack("{s:s, s:[{s:s, s:s, s:{s:s, s:s}}]}", "type", "RichTextBlock", "inlines", "type", "TextRun",
                     "text", text, "selectAction", "type", "Action.OpenUrl", "url", url);
}

/* Its lines, or none of them when they do not fit. */
static bool teams_item(const struct content_item *item, json_t *body, size_t *used)
{
    json_t *lines = json_array();
    char line[SHAPE_LINE_MAX], detail[SHAPE_DETAIL_MAX];
    bool fits;

    line_of(item, line);
    *used += strlen(line);
    json_array_append_new(lines, rich_text(line, item->code[0] != '\0' ? "Bolder" : "Default"));
    for (int n = 0; detail_of(item, n, detail); n++) {
        *used += strlen(detail) + TEAMS_BLOCK_BYTES;
        json_array_append_new(lines, rich_text(detail, "Default"));
    }
    if (item->link[0] != '\0') {
        *used += strlen(item->link) + TEAMS_BLOCK_BYTES;
        json_array_append_new(lines, teams_link("Open the incident", item->link));
    }
    fits = *used <= TEAMS_LINES_BYTES;
    if (fits)
        json_array_extend(body, lines);
    json_decref(lines);
    return fits;
}

static void teams_lines(const struct content *c, json_t *body)
{
    size_t used = 0, shown = 0;
    char line[SHAPE_LINE_MAX];

    while (shown < c->item_count && teams_item(&c->items[shown], body, &used))
        shown++;
    if (shown < c->item_total) {
        snprintf(line, sizeof line, "and %zu more", c->item_total - shown);
        json_array_append_new(body, rich_text(line, "Default"));
    }
}

int shape_teams(const struct content *c, struct buf *out, struct err *e)
{
    json_t *body = json_array(), *card;

    json_array_append_new(body, rich_text(c->title, "Bolder"));
    teams_facts(c, body);
    teams_lines(c, body);
    card = json_pack("{s:s, s:s, s:s, s:o}", "$schema", "http://adaptivecards.io/schemas/adaptive-card.json", "type",
                     "AdaptiveCard", "version", "1.4", "body", body);
    if (card != NULL && c->link[0] != '\0')
        json_object_set_new(
            card, "actions",
            json_pack("[{s:s, s:s, s:s}]", "type", "Action.OpenUrl", "title", "Dashboard", "url", c->link));
    return dump(json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments", "contentType",
                          "application/vnd.microsoft.card.adaptive", "contentUrl", "content", card),
                out, e);
}

/* ---- Slack ------------------------------------------------------------------------------ */

/* Slack's own three escapes. */
static void slack_escape(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '&')
            buf_str(out, "&amp;");
        else if (*text == '<')
            buf_str(out, "&lt;");
        else if (*text == '>')
            buf_str(out, "&gt;");
        else
            buf_char(out, *text);
    }
}

static void slack_section(json_t *blocks, struct buf *text)
{
    if (text->len > 0)
        json_array_append_new(blocks, json_pack("{s:s, s:{s:s, s:s, s:b}}", "type", "section", "text", "type",
                                                "plain_text", "text", buf_text(text), "emoji", 0));
    buf_clear(text);
}

static void slack_states(const struct content *c, struct buf *text)
{
    const char *joint = "";

    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        if (c->summary.by_state[s] == 0)
            continue;
        buf_printf(text, "%s%zu %s", joint, c->summary.by_state[s], drift_state_name((enum drift_state)s));
        joint = ", ";
    }
}

/* An incident: a section with a button. */
static void slack_incident(const struct content_item *item, json_t *blocks)
{
    char line[SHAPE_LINE_MAX], detail[SHAPE_DETAIL_MAX];
    struct buf text;

    buf_init(&text, SLACK_SECTION_BYTES);
    line_of(item, line);
    buf_str(&text, line);
    for (int n = 0; detail_of(item, n, detail); n++)
        buf_printf(&text, "\n%s", detail);
    slack_section(blocks, &text);
    if (item->link[0] != '\0')
        json_object_set_new(json_array_get(blocks, json_array_size(blocks) - 1), "accessory",
                            json_pack("{s:s, s:{s:s, s:s}, s:s}", "type", "button", "text", "type", "plain_text",
                                      "text", "Open", "url", item->link));
    buf_free(&text);
}

static void slack_lines(const struct content *c, json_t *blocks, struct buf *text)
{
    size_t shown = 0;
    int sections = 1, incidents = 0;
    char line[SHAPE_LINE_MAX];

    for (; shown < c->item_count; shown++) {
        if (c->items[shown].code[0] != '\0') {
            if (incidents++ == SLACK_INCIDENTS)
                break;
            slack_section(blocks, text);
            slack_incident(&c->items[shown], blocks);
            continue;
        }
        line_of(&c->items[shown], line);
        if (text->len + strlen(line) + 1 > SLACK_SECTION_BYTES) {
            if (sections++ == SLACK_SECTIONS)
                break;
            slack_section(blocks, text);
        }
        buf_printf(text, "%s%s", text->len > 0 ? "\n" : "", line);
    }
    if (shown < c->item_total)
        buf_printf(text, "%sand %zu more", text->len > 0 ? "\n" : "", c->item_total - shown);
    slack_section(blocks, text);
}

static json_t *slack_blocks(const struct content *c)
{
    json_t *blocks = json_array();
    char header[SLACK_HEADER_BYTES];
    struct buf text;

    text_clean(header, sizeof header, c->title, strlen(c->title), NULL);
    json_array_append_new(blocks, json_pack("{s:s, s:{s:s, s:s, s:b}}", "type", "header", "text", "type", "plain_text",
                                            "text", header, "emoji", 0));
    buf_init(&text, SLACK_SECTION_BYTES + 64);
    slack_states(c, &text);
    slack_section(blocks, &text);
    slack_lines(c, blocks, &text);
    buf_free(&text);
    if (c->link[0] != '\0')
        json_array_append_new(blocks,
                              json_pack("{s:s, s:[{s:s, s:{s:s, s:s}, s:s}]}", "type", "actions", "elements", "type",
                                        "button", "text", "type", "plain_text", "text", "Dashboard", "url", c->link));
    return blocks;
}

int shape_slack(const struct content *c, struct buf *out, struct err *e)
{
    struct buf title;
    int rc;

    buf_init(&title, 6 * CONTENT_TITLE_MAX);
    slack_escape(&title, c->title);
    rc = dump(json_pack("{s:s, s:o}", "text", buf_text(&title), "blocks", slack_blocks(c)), out, e);
    buf_free(&title);
    return rc;
}
