/* The drift report for what does the upgrading: an Ansible inventory, and a CSV of
 * computer names for SCVMM or Configuration Manager.
 *
 * Listed are the Windows guests that an upgrade mends: incompatible,
 * behind-protocol, behind and inbox-behind-peers, as far as there is an
 * upgrade for their Windows on their host.
 *
 * Names come from guests, and these files are read by programs that act on them:
 * - A host name is taken from the guest's FQDN only when it is one (letters,
 *   digits, hyphens, dots; none that Ansible has a meaning for) and no other listed guest claims it; otherwise the
 * guest stands under its VM id, which is unique and cannot be chosen.  So no name is a range pattern, and no guest can
 * take another's place.
 * - Every value in the inventory is a quoted string tagged !unsafe, so that Ansible
 *   does not evaluate what looks like a template in it.
 * - CSV cells that a spreadsheet would take for a formula are defused.
 */
#include "report/pen.h"
#include "report/report_rows.h"

#include <stdlib.h>
#include <string.h>

enum { DNS_NAME_MAX = 253, DNS_LABEL_MAX = 63 };

/* Is there integration services setup, or an update that holds it, for this Windows on its host?  (hyperv.md C.3) */
static bool is_mendable(const struct report_guest *g)
{
    enum host_generation on = host_generation_of(g->on != NULL ? g->on->h.facts.os_version : "");
    struct version os;
    bool known = version_parse(g->os_version, &os) > 0;

    if (on == HOST_UNKNOWN)
        return known && os.part[0] >= 10;
    if (on != HOST_2016UP)
        return true; /* the setup disk */
    return known && (os.part[0] > 6 || (os.part[0] == 6 && os.part[1] >= 1));
}

static bool is_upgradable(const struct report_guest *g)
{
    enum drift_state s = g->kept.state;
    bool behind =
        s == DRIFT_INCOMPATIBLE || s == DRIFT_BEHIND_PROTOCOL || s == DRIFT_BEHIND || s == DRIFT_INBOX_BEHIND_PEERS;

    return behind && g->family == FAMILY_WINDOWS && is_mendable(g);
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 1123, with at least one letter, so that it is no address and no number. */
static bool is_host_name(const char *text)
{
    size_t len = strlen(text), label = 0;
    bool letter = false;

    if (len == 0 || len > DNS_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool ends = i + 1 == len || text[i + 1] == '.';

        if (text[i] == '.' ? label == 0 || ends
                           : !is_letter_or_digit(text[i]) && (text[i] != '-' || label == 0 || ends))
            return false;
        letter |= is_letter_or_digit(text[i]) && (text[i] < '0' || text[i] > '9');
        label = text[i] == '.' ? 0 : label + 1;
        if (label > DNS_LABEL_MAX)
            return false;
    }
    return letter;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static int compare_names(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) - lower(*b);
}

/* Names that mean something else to Ansible, or the machine it runs on. */
static bool is_taken(const char *name)
{
    static const char *const names[] = { "localhost", "localhost.localdomain", "all", "ungrouped" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (compare_names(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* ---- who is listed -------------------------------------------------------- */

struct listed {
    const struct report_guest *g;
    bool named; /* its FQDN is a name that no other listed guest has */
};

/* Those with a name, by their name: an open hash. */
struct names {
    struct listed *list;
    uint32_t *places; /* of the list, from 1; 0 free */
    size_t mask;
};

static bool make_places(struct names *n, size_t count)
{
    size_t places = 64;

    while (places < count * 2)
        places *= 2;
    n->places = calloc(places, sizeof *n->places);
    n->mask = places - 1;
    return n->places != NULL;
}

/* The guest has its name, unless another has it: then neither does. */
static void take_name(struct names *n, size_t i)
{
    const char *name = n->list[i].g->fqdn;
    size_t at;

    if (!is_host_name(name) || is_taken(name))
        return;
    at = report_hash(n->places, name, true) & n->mask;
    while (n->places[at] != 0 && compare_names(n->list[n->places[at] - 1].g->fqdn, name) != 0)
        at = (at + 1) & n->mask;
    if (n->places[at] != 0) {
        n->list[n->places[at] - 1].named = false;
        return;
    }
    n->list[i].named = true;
    n->places[at] = (uint32_t)i + 1;
}

/* The guests to upgrade, worst first; the caller frees it.  NULL out of memory. */
static struct listed *list_guests(const struct drift_report *r, size_t *count)
{
    struct names names = { .list = malloc((r->guest_count + 1) * sizeof *names.list) };

    *count = 0;
    if (names.list == NULL)
        return NULL;
    for (size_t i = 0; i < r->guest_count; i++) {
        if (is_upgradable(&r->guests[i]))
            names.list[(*count)++] = (struct listed){ &r->guests[i], false };
    }
    if (!make_places(&names, *count)) {
        free(names.list);
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        take_name(&names, i);
    free(names.places);
    return names.list;
}

/* ---- Ansible -------------------------------------------------------------- */

/* A byte of a text takes at most two. */
enum { INVENTORY_ROOM = 2 * REPORT_TEXTS_MAX + 1536 /* names of variables and words */ };

/* A double-quoted YAML string, as a variable's value. */
static void pen_value(struct pen *p, const char *text)
{
    size_t len = strlen(text);

    if (len == 0) {
        PEN_PUT(p, "null\n");
        return;
    }
    PEN_PUT(p, "!unsafe \"");
    if (pen_is_plain(text, len, pen_special_yaml)) {
        pen_bytes(p, text, len);
    } else {
        for (; *text != '\0'; text++) {
            if (*text == '"' || *text == '\\')
                pen_char(p, '\\');
            pen_char(p, *text);
        }
    }
    PEN_PUT(p, "\"\n");
}

/* One variable of a guest: its name is a literal. */
#define VARIABLE(name, value)                       \
    do {                                            \
        PEN_PUT(p, "          hvfleet_" name ": "); \
        pen_value(p, (value));                      \
    } while (0)

static void inventory_host(struct buf *out, const struct listed *l)
{
    const struct report_guest *g = l->g;
    struct pen pen, *p = &pen;

    if (!pen_begin(p, out, INVENTORY_ROOM))
        return;
    PEN_PUT(p, "        \"");
    pen_text(p, l->named ? g->fqdn : g->vm_id);
    PEN_PUT(p, "\":\n");
    VARIABLE("state", drift_state_name(g->kept.state));
    VARIABLE("guest_version", g->guest_version);
    VARIABLE("expected_version", g->expected_version);
    VARIABLE("action", g->action);
    VARIABLE("guest_os", g->os_name);
    VARIABLE("power", guest_power_name(g->power));
    VARIABLE("vm_id", g->vm_id);
    VARIABLE("vm_name", g->name);
    VARIABLE("host", g->host);
    VARIABLE("cluster", g->cluster);
    pen_end(p);
}

/* Group names are the states', with underscores: hvfleet_behind_protocol. */
static void inventory_group(struct buf *out, const struct listed *list, size_t count, enum drift_state state)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (list[i].g->kept.state != state)
            continue;
        if (!any) {
            buf_str(out, "    hvfleet_");
            for (const char *p = drift_state_name(state); *p != '\0'; p++)
                buf_char(out, *p == '-' ? '_' : *p);
            buf_str(out, ":\n      hosts:\n");
        }
        any = true;
        inventory_host(out, &list[i]);
    }
}

void report_drift_ansible(const struct drift_report *r, struct buf *out)
{
    static const enum drift_state groups[] = { DRIFT_INCOMPATIBLE, DRIFT_BEHIND_PROTOCOL, DRIFT_BEHIND,
                                               DRIFT_INBOX_BEHIND_PEERS };
    size_t count;
    struct listed *list = list_guests(r, &count);

    if (list == NULL) {
        out->error = ERR_MEMORY;
        return;
    }
    buf_str(out, "# Guests whose integration services are to be upgraded, by drift state.\n"
                 "# A guest without a name of its own stands under its VM id.\n"
                 "all:\n");
    buf_str(out, count > 0 ? "  children:\n" : "  hosts: {}\n");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        inventory_group(out, list, count, groups[i]);
    free(list);
}

/* ---- SCVMM, Configuration Manager ----------------------------------------- */

/* The computer's name: what is before the first dot. */
static void computer_cell(struct buf *out, const struct listed *l)
{
    char name[DNS_LABEL_MAX + 1] = "";
    size_t len = strcspn(l->g->fqdn, ".");

    if (l->named && len < sizeof name)
        memcpy(name, l->g->fqdn, len);
    report_csv_first(out, name);
}

void report_drift_sccm(const struct drift_report *r, struct buf *out)
{
    size_t count;
    struct listed *list = list_guests(r, &count);

    if (list == NULL) {
        out->error = ERR_MEMORY;
        return;
    }
    buf_str(out, "Name,FQDN,VMName,VMId,VMHost,Cluster,State,GuestVersion,ExpectedVersion,Action");
    report_csv_end(out);
    for (size_t i = 0; i < count; i++) {
        const struct report_guest *g = list[i].g;
        const char *const cells[] = { list[i].named ? g->fqdn : "",
                                      g->name,
                                      g->vm_id,
                                      g->host,
                                      g->cluster,
                                      drift_state_name(g->kept.state),
                                      g->guest_version,
                                      g->expected_version,
                                      g->action };

        computer_cell(out, &list[i]);
        for (size_t c = 0; c < sizeof cells / sizeof cells[0]; c++)
            report_csv_cell(out, cells[c]);
        report_csv_end(out);
    }
    free(list);
}
