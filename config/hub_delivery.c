/* See hub_delivery.h. */
#include "config/hub_delivery.h"

#include "base/text.h"
#include "base/times.h"
#include "config/hub_url.h"
#include "config/schedule.h"
#include "config/yaml_doc.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)

enum { TEXT_MAX = CONFIG_TEXT_MAX - 1 };

static const char *const reports[] = { "drift", "hosts", "incidents", NULL };
static const char *const formats[] = { "html", "text", "csv", "json", NULL };
static const char *const securities[] = { "required", "when-offered", "none", NULL };
static const char *const shapes[] = { "json", "teams", "slack", NULL };
static const char *const events[] = {
    [DELIVERY_NEW_DRIFT] = "new-drift",
    [DELIVERY_SILENT_HOST] = "silent-host",
    [DELIVERY_GAP] = "gap",
    [DELIVERY_SEQUENCE_HOLE] = "sequence-hole",
    [DELIVERY_SHARED_AGENT_ID] = "shared-agent-id",
    [DELIVERY_CLOCK_OFF] = "clock-off",
    [DELIVERY_NEW_INCIDENT] = "new-incident",
    [DELIVERY_EVENT_COUNT] = NULL,
};

_Static_assert(sizeof(enum delivery_format) == sizeof(int), "choices are written as int");
_Static_assert(DELIVERY_EVENT_COUNT <= 32, "events are bits of a uint32_t");

const char *delivery_event_name(enum delivery_event event)
{
    return events[event];
}

const char *delivery_what_name(enum delivery_what what)
{
    return reports[what];
}

#define FIELD(name) .offset = offsetof(struct hub_delivery, name)

/* clang-format off */
static const struct yaml_key keys[] = {
    { "name", YAML_TEXT, FIELD(name), .min = 1, .max = DELIVERY_NAME_MAX - 1, .help =
      "What it is called in logs and `hvhub deliver --list`: letters, digits, -, _ and dots. What was delivered is "
      "remembered under this name." },
    { "report", YAML_CHOICE, FIELD(what), .fallback = "drift", .choices = reports, .help =
      "Which report. Incidents: the crashes since the time before at which it was due." },
    { "cluster", YAML_TEXT, FIELD(cluster), .max = DELIVERY_CLUSTER_MAX - 1, .fallback = "", .help =
      "This cluster alone. Empty: the whole fleet." },
    { "format", YAML_CHOICE, FIELD(format), .fallback = "html", .choices = formats, .help =
      "A mail is html (with the same as text) or text, and has the report as CSV attached; a folder takes any; a webhook "
      "has its own shape." },
    { "schedule", YAML_TEXT, FIELD(schedule), .max = DELIVERY_NAME_MAX - 1, .fallback = "", .help =
      "When the report goes out: \"daily 07:30\", \"weekdays 07:30\" or \"weekly mon 07:30\". Empty: not by the clock." },
    { "time_zone", YAML_TEXT, FIELD(zone), .min = 1, .max = TIME_ZONE_NAME_MAX - 1, .fallback = "UTC", .help =
      "The place whose clocks the schedule means: an IANA name such as Europe/Berlin." },
    { "on", YAML_FLAGS, FIELD(events), .fallback = "", .choices = events, .help =
      "What is told as soon as it is found, each thing once: [new-drift, new-incident], say. Empty: nothing." },
    { "batch", YAML_DURATION, FIELD(batch_ns), 1 * NS_PER_S, 24 * HOUR, .fallback = "5m", .help =
      "What is found within this time of the first goes out together." },
    { "quiet_when_unchanged", YAML_BOOL, FIELD(quiet), .fallback = "false", .help =
      "Leave a scheduled report out when nothing changed since the last one." },

    { "smtp.url", YAML_TEXT, FIELD(smtp_url), .max = DELIVERY_URL_MAX - 1, .fallback = "", .help =
      "The mail server: smtp://mail.example.com:587 (STARTTLS) or smtps://mail.example.com:465 (TLS at once)." },
    { "smtp.starttls", YAML_CHOICE, FIELD(security), .fallback = "required", .choices = securities, .help =
      "For smtp://: whether a server without STARTTLS gets the mail." },
    { "smtp.user", YAML_TEXT, FIELD(user), .max = DELIVERY_ADDRESS_MAX, .fallback = "", .help =
      "Who to log in as. Empty: no login." },
    { "smtp.password_file", YAML_TEXT, FIELD(password_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the password, in one line." },
    { "smtp.ca_file", YAML_TEXT, FIELD(smtp_ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed the server's. Empty: the system's." },
    { "smtp.from", YAML_TEXT, FIELD(from), .max = DELIVERY_ADDRESS_MAX, .fallback = "", .help =
      "The sender's address." },
    { "smtp.to", YAML_LINES, FIELD(to), .max = DELIVERY_TO_MAX - 1, .fallback = "", .help =
      "The recipients' addresses: [ops@example.com, lead@example.com]." },

    { "webhook.url", YAML_TEXT, FIELD(webhook_url), .max = DELIVERY_URL_MAX - 1, .fallback = "", .help =
      "Where to POST: https://..." },
    { "webhook.url_file", YAML_TEXT, FIELD(url_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with that URL instead, for services whose URL is itself the secret (Slack, Teams)." },
    { "webhook.shape", YAML_CHOICE, FIELD(shape), .fallback = "json", .choices = shapes, .help =
      "json: everything, signed. teams: an adaptive card for a Teams workflow. slack: text and blocks." },
    { "webhook.secret_file", YAML_TEXT, FIELD(secret_file), .max = TEXT_MAX, .fallback = "", .help =
      "A file with the key of the signature (HMAC-SHA256), in one line. Empty: not signed." },
    { "webhook.ca_file", YAML_TEXT, FIELD(webhook_ca_file), .max = TEXT_MAX, .fallback = "", .help =
      "The CA certificates (PEM) that may have signed the receiver's. Empty: the system's." },

    { "folder.path", YAML_TEXT, FIELD(folder), .max = TEXT_MAX, .fallback = "", .help =
      "A folder, which must be there, for files NAME-YYYYMMDD-HHMMSS.html (time in UTC)." },
    { "folder.keep", YAML_INT, FIELD(folder_keep), 1, 10000, .fallback = "30", .help =
      "How many of this delivery's files stay; the oldest go first." },
};
/* clang-format on */

enum delivery_target hub_delivery_target(const struct hub_delivery *d)
{
    if (d->smtp_url[0] != '\0')
        return DELIVER_SMTP;
    if (d->webhook_url[0] != '\0' || d->url_file[0] != '\0')
        return DELIVER_WEBHOOK;
    return d->folder[0] != '\0' ? DELIVER_FOLDER : DELIVER_NOWHERE;
}

const char *hub_delivery_target_name(enum delivery_target target)
{
    static const char *const names[] = { "nowhere", "smtp", "webhook", "folder" };

    return names[target];
}

/* ---- addresses -------------------------------------------------------------------- */

/* The host and port of the mail server are read as those of a URL of the hub's. */
static int check_smtp_url(const char *url, struct err *e)
{
    struct hub_url parsed;
    char as_https[DELIVERY_URL_MAX + 16];
    size_t skip = text_ncasecmp(url, "smtps://", 8) == 0 ? 8 : text_ncasecmp(url, "smtp://", 7) == 0 ? 7 : 0;

    if (skip == 0 || strchr(url + skip, '/') != NULL)
        return err_set(
            e, ERR_INVALID,
            "is no mail server's address; write smtp://mail.example.com:587 or smtps://mail.example.com:465");
    if (strchr(url + skip, '@') != NULL)
        return err_set(e, ERR_INVALID, "holds a user name or a password; write smtp.user and smtp.password_file");
    snprintf(as_https, sizeof as_https, "https://%s", url + skip);
    return hub_url_parse(as_https, &parsed, e);
}

int hub_delivery_url_check(const char *url, struct err *e)
{
    struct hub_url parsed;
    char front[DELIVERY_URL_MAX];
    const char *query = url + strcspn(url, "?");

    if ((size_t)(query - url) >= sizeof front || strlen(url) >= DELIVERY_URL_MAX)
        return err_set(e, ERR_INVALID, "is too long; at most %d bytes", DELIVERY_URL_MAX - 1);
    for (const char *p = query; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F || strchr("#\"<>\\^`{|}", *p) != NULL)
            return err_set(e, ERR_INVALID,
                           "there is a character that does not belong here; write the URL as the "
                           "receiver shows it");
    }
    memcpy(front, url, (size_t)(query - url));
    front[query - url] = '\0';
    return hub_url_parse(front, &parsed, e);
}

/* One address as it may stand between < and > in a mail's envelope: nothing that ends it or begins another. */
static bool is_address(const char *text, size_t len)
{
    const char *at = memchr(text, '@', len);

    if (len > DELIVERY_ADDRESS_MAX || at == NULL || at == text || at + 1 == text + len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7F || strchr("<>,;:\\\"()[]", text[i]) != NULL)
            return false;
    }
    return memchr(at + 1, '@', len - (size_t)(at + 1 - text)) == NULL;
}

/* ---- one delivery ------------------------------------------------------------------- */

static void check_name(struct yaml_checker *c, const struct hub_delivery *d)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    if (!yaml_check_good(c, "name"))
        return;
    if (d->name[0] == '.' || d->name[0] == '-' || strspn(d->name, good) != strlen(d->name))
        yaml_check_problem(c, "name", "is no name; write letters, digits, -, _ and dots, a letter or digit first");
}

static void check_when(struct yaml_checker *c, const struct hub_delivery *d)
{
    struct time_zone *z = NULL;
    struct schedule s;
    struct err e;

    if (yaml_check_good(c, "schedule") && !schedule_parse(d->schedule, &s))
        yaml_check_problem(c, "schedule", "is no schedule; " SCHEDULE_REMEDY);
    if (yaml_check_good(c, "time_zone") && time_zone_load(&z, d->zone, &e) != 0)
        yaml_check_problem(c, "time_zone", "%s", e.text);
    time_zone_free(z);
    if (d->schedule[0] == '\0' && d->events == 0 && yaml_check_good(c, "schedule") && yaml_check_good(c, "on"))
        yaml_check_problem(c, "schedule", "it would never go out; write a schedule, or what it is told of with \"on\"");
}

static void check_recipients(struct yaml_checker *c, const struct hub_delivery *d)
{
    if (d->to[0] == '\0')
        yaml_check_problem(c, "smtp.to", "is missing; write the recipients' addresses, [ops@example.com]");
    for (const char *p = d->to; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
        if (!is_address(p, strcspn(p, "\n"))) {
            yaml_check_problem(c, "smtp.to",
                               "holds something that is no address; write addresses alone, without names: "
                               "ops@example.com");
            return;
        }
    }
}

static void check_login(struct yaml_checker *c, const struct hub_delivery *d)
{
    if (d->user[0] != '\0' && d->password_file[0] == '\0')
        yaml_check_problem(c, "smtp.user", "a login needs a password; write smtp.password_file too");
    if (d->user[0] == '\0' && d->password_file[0] != '\0')
        yaml_check_problem(c, "smtp.password_file", "a password needs a user; write smtp.user too");
    if (d->user[0] != '\0' && d->security != SMTP_TLS_REQUIRED && text_ncasecmp(d->smtp_url, "smtp://", 7) == 0)
        yaml_check_problem(c, "smtp.starttls", "the password could go out in the clear; write required, or no user");
}

static void check_smtp(struct yaml_checker *c, const struct hub_delivery *d)
{
    struct err e;

    if (check_smtp_url(d->smtp_url, &e) != 0)
        yaml_check_problem(c, "smtp.url", "%s", e.text);
    if (yaml_check_good(c, "smtp.from") && !is_address(d->from, strlen(d->from)))
        yaml_check_problem(c, "smtp.from", "is no address; write the sender's, such as hvhub@example.com");
    if (yaml_check_good(c, "smtp.to"))
        check_recipients(c, d);
    check_login(c, d);
    if (d->format != DELIVER_HTML && d->format != DELIVER_TEXT)
        yaml_check_problem(c, "format", "a mail is html or text, and has the CSV attached; write one of the two");
}

static void check_webhook(struct yaml_checker *c, const struct hub_delivery *d)
{
    struct err e;

    if (d->webhook_url[0] != '\0' && d->url_file[0] != '\0')
        yaml_check_problem(c, "webhook.url_file", "there is a webhook.url too; keep one of the two");
    else if (d->webhook_url[0] != '\0' && hub_delivery_url_check(d->webhook_url, &e) != 0)
        yaml_check_problem(c, "webhook.url", "%s", e.text);
    if (d->secret_file[0] != '\0' && d->shape != WEBHOOK_JSON)
        yaml_check_problem(c, "webhook.secret_file",
                           "Teams and Slack check no signature; leave it out, or write "
                           "\"shape: json\"");
}

/* Is any key of the section written that would be ignored? */
static void check_stray(struct yaml_checker *c, const struct hub_delivery *d)
{
    static const struct {
        enum delivery_target target;
        const char *key;
    } strays[] = {
        { DELIVER_SMTP, "smtp.to" },
        { DELIVER_SMTP, "smtp.from" },
        { DELIVER_WEBHOOK, "webhook.secret_file" },
        { DELIVER_FOLDER, "folder.keep" },
    };
    enum delivery_target target = hub_delivery_target(d);

    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        if (strays[i].target != target && yaml_check_given(c, strays[i].key))
            yaml_check_problem(c, strays[i].key, "this delivery goes to %s; remove it",
                               hub_delivery_target_name(target));
    }
}

static void check_target(struct yaml_checker *c, const struct hub_delivery *d)
{
    int targets =
        (d->smtp_url[0] != '\0') + (d->webhook_url[0] != '\0' || d->url_file[0] != '\0') + (d->folder[0] != '\0');

    if (!yaml_check_good(c, "smtp.url") || !yaml_check_good(c, "webhook.url") || !yaml_check_good(c, "folder.path"))
        return;
    if (targets != 1) {
        yaml_check_problem(c, "name",
                           targets == 0 ? "it goes nowhere; write smtp.url, webhook.url or folder.path"
                                        : "it has several targets; make a delivery of each");
        return;
    }
    check_stray(c, d);
    if (hub_delivery_target(d) == DELIVER_SMTP)
        check_smtp(c, d);
    else if (hub_delivery_target(d) == DELIVER_WEBHOOK)
        check_webhook(c, d);
    else if (d->folder[0] != '/')
        yaml_check_problem(c, "folder.path", "is not a whole path; write it from / on");
}

static void check_one(struct yaml_checker *c, const void *target)
{
    const struct hub_delivery *d = target;

    check_name(c, d);
    check_when(c, d);
    check_target(c, d);
}

const struct yaml_schema hub_delivery_schema = {
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
    .target_size = sizeof(struct hub_delivery),
    .check = check_one,
};

/* ---- all of them ---------------------------------------------------------------------- */

/* Names tell files and remembered states apart, on any file system: case does not count. */
static void check_names(struct yaml_checker *c, const struct hub_delivery_config *d)
{
    char path[64];

    for (int i = 1; i < d->count; i++) {
        for (int k = 0; k < i; k++) {
            if (d->list[i].name[0] == '\0' || text_casecmp(d->list[i].name, d->list[k].name) != 0)
                continue;
            snprintf(path, sizeof path, "delivery.list[%d].name", i);
            yaml_check_problem(c, path, "there is a delivery of this name already; write another name");
            break;
        }
    }
}

void hub_delivery_check(struct yaml_checker *c, const struct hub_delivery_config *d)
{
    struct hub_url url;
    struct err e;

    if (d->public_url[0] != '\0' && hub_url_parse(d->public_url, &url, &e) != 0)
        yaml_check_problem(c, "delivery.public_url", "%s", e.text);
    if (d->retry_min_ns > d->retry_max_ns && yaml_check_good(c, "delivery.retry.min") &&
        yaml_check_good(c, "delivery.retry.max"))
        yaml_check_problem(c, "delivery.retry.min", "is longer than delivery.retry.max; write a shorter one");
    if (yaml_check_good(c, "delivery.list"))
        check_names(c, d);
}
