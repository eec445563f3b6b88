/* From stored circumstances to the incidents of one guest.
 *
 * In two steps, so that a host with much trouble costs no more than its windows: first
 * what tells of the guest's crashes, which says when and where these were; then
 * what else went on there and then.
 *
 * Dumps that name no guest may belong to anybody, so they are looked at by their
 * time alone, with all reports of the same code, and with all that names a
 * guest like the folder they lie in.
 */
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"
#include "model/otlp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES_MAX = 8 * 1024 * 1024, TOLD_ROWS_MAX = 256 };

/* What a host was when it told something. */
struct host_facts {
    int64_t time;
    char host_id[HOST_ID_MAX];
    char name[HOST_LABEL_MAX];
    char cluster[HOST_CLUSTER_MAX];
    char os_version[HOST_VERSION_MAX];
    char is_version[HOST_VERSION_MAX];
};

struct evidence {
    struct fleet_store *s;
    const char *vm_id;
    struct case_options options;
    struct case_file *file;
    struct guest_history *history; /* of vm_id */
    struct guest_then then;        /* at the moment asked for last */
    struct host_facts *facts;      /* each once a host and moment */
    size_t fact_count, fact_room;
    struct word_set codes, names, hosts; /* of dumps without a VM */
    struct buf framed;
    struct host host; /* of the last answer about a host */
    struct host_moment moment;
    char module[FLEET_MODULE_MAX];
    int rc;
    struct err *e;
};

/* ---- callbacks of the case file ---------------------------------------------------------- */

static int64_t apart(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static bool in_window(const struct evidence *v, int64_t told, int64_t time)
{
    return told >= time - v->options.before_ns && told <= time + v->options.after_ns;
}

/* The nearest in time; of two as near the one that is first by what it says, so that it does not matter which
 * was read first. */
static const struct host_facts *facts_at(const struct evidence *v, const char *host_id, int64_t time)
{
    const struct host_facts *best = NULL;

    for (size_t i = 0; i < v->fact_count; i++) {
        const struct host_facts *f = &v->facts[i];
        int64_t nearer = best != NULL ? apart(best->time, time) - apart(f->time, time) : 1;

        if (strcmp(f->host_id, host_id) != 0 || !in_window(v, f->time, time))
            continue;
        if (nearer > 0 || (nearer == 0 && strcmp(f->is_version, best->is_version) < 0))
            best = f;
    }
    return best;
}

/* By what the host said of itself around then; else by what is known of it now, where that was so then. */
static void host_at(void *arg, const char *host_id, int64_t time, struct host_moment *out)
{
    struct evidence *v = (struct evidence *)arg;
    const struct host_facts *f = facts_at(v, host_id, time);
    bool then;
    int rc;

    *out = (struct host_moment){ .known = f != NULL };
    if (f != NULL) {
        out->name = f->name;
        out->cluster = f->cluster;
        out->os_version = f->os_version;
        out->is_version = f->is_version;
        return;
    }
    if (v->rc != 0)
        return;
    rc = v->s->body->ops->host_get(v->s->body, host_id, &v->host, v->e);
    if (rc != 0) {
        v->rc = fleet_row_unknown(rc) ? 0 : rc;
        return;
    }
    then = v->host.is_since <= time;
    *out = (struct host_moment){ .known = true,
                                 .name = v->host.facts.host_name,
                                 .cluster = v->host.facts.cluster,
                                 .os_version = then ? v->host.facts.os_version : "",
                                 .is_version = then ? v->host.facts.is_win6x : "" };
}

/* The version that the host expects of guests of 6.x; those of 10 have no installer. */
static bool has_installer(const char *os_version)
{
    return strncmp(os_version, "6.", 2) == 0;
}

static int ask(struct evidence *v, enum circumstance_question which, const char *key, int64_t from, int64_t to,
               int limit);

/* What its observations say is exact, whatever came when; history steps in where they are gone. */
static void tell_then(struct evidence *v, int64_t time, struct guest_moment *out)
{
    guest_then_begin(&v->then, v->vm_id);
    if (ask(v, ASK_TOLD, v->vm_id, 1, time, TOLD_ROWS_MAX) != 0 || v->then.guest.inventory_time == 0)
        return;
    host_at(v, v->then.guest.host_id, time, &v->moment);
    if (v->rc == 0)
        v->rc = guest_then_fill(&v->then, v->s, &v->moment, out, v->e);
    if (v->rc == 0)
        guest_history_around(v->history, time, out);
}

static void guest_at(void *arg, const char *vm_id, int64_t time, struct guest_moment *out)
{
    struct evidence *v = (struct evidence *)arg;

    *out = (struct guest_moment){ .why = "another guest's history was not looked at" };
    if (strcmp(vm_id, v->vm_id) != 0)
        return;
    guest_history_at(v->history, time, out);
    tell_then(v, time, out);
    if (!out->known || out->host_id[0] == '\0')
        return;
    host_at(v, out->host_id, time, &v->moment);
    if (!v->moment.known)
        return;
    out->host_name = v->moment.name;
    if (out->cluster[0] == '\0')
        out->cluster = v->moment.cluster;
    if (has_installer(out->os_version))
        out->expected_version = v->moment.is_version;
}

/* ---- the same module elsewhere --------------------------------------------------------------- */

struct counting {
    struct pair {
        char vm_id[GUID_TEXT_MAX], host_id[HOST_ID_MAX];
    } * pairs;
    int count, guests, hosts;
};

static bool count_place(void *arg, const char *vm_id, const char *host_id, int64_t time)
{
    struct counting *n = (struct counting *)arg;
    bool new_vm = vm_id[0] != '\0', new_host = host_id[0] != '\0';

    (void)time;
    for (int i = 0; i < n->count; i++) {
        new_vm = new_vm && strcmp(n->pairs[i].vm_id, vm_id) != 0;
        new_host = new_host && strcmp(n->pairs[i].host_id, host_id) != 0;
    }
    n->guests += new_vm;
    n->hosts += new_host;
    if (n->count == MODULE_INCIDENTS_MAX)
        return false;
    text_copy(n->pairs[n->count].vm_id, sizeof n->pairs[0].vm_id, vm_id);
    text_copy(n->pairs[n->count].host_id, sizeof n->pairs[0].host_id, host_id);
    n->count++;
    return true;
}

int fleet_incidents_around(struct fleet_body *b, const struct incident *i, struct incident_surroundings *out,
                           struct err *e)
{
    const char *module = incident_module(i);
    struct counting n = { .pairs = NULL };
    int64_t month = (int64_t)MODULE_DAYS * 86400 * NS_PER_S;
    int rc;

    *out = (struct incident_surroundings){ .why = "no dump blames a module" };
    if (module[0] == '\0')
        return 0;
    n.pairs = calloc(MODULE_INCIDENTS_MAX, sizeof *n.pairs);
    if (n.pairs == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    count_place(&n, i->vm_id, i->host_id, i->time);
    rc = b->ops->incident_places(b, TODO_MODULE, module, i->time - month, i->time, MODULE_INCIDENTS_MAX - 1,
                                 count_place, &n, e);
    *out = (struct incident_surroundings){ .known = rc == 0,
                                           .why = "",
                                           .module_hosts_days = MODULE_DAYS,
                                           .module_guests = n.guests,
                                           .module_hosts = n.hosts };
    free(n.pairs);
    return rc;
}

static void around(void *arg, const struct incident *i, struct incident_surroundings *out)
{
    struct evidence *v = (struct evidence *)arg;

    *out = (struct incident_surroundings){ .why = "not asked for" };
    if (v->rc == 0)
        v->rc = fleet_incidents_around(v->s->body, i, out, v->e);
}

/* ---- loading ------------------------------------------------------------------------------------ */

static void keep_facts(struct evidence *v, const struct fleet_circumstance *c)
{
    struct host_facts *f;

    if (v->fact_count == v->fact_room) {
        size_t room = v->fact_room != 0 ? 2 * v->fact_room : 64;
        struct host_facts *grown = realloc(v->facts, room * sizeof *grown);

        if (grown == NULL) {
            v->rc = err_set(v->e, ERR_MEMORY, "out of memory");
            return;
        }
        v->facts = grown;
        v->fact_room = room;
    }
    f = &v->facts[v->fact_count++];
    *f = (struct host_facts){ .time = c->time };
    text_copy(f->host_id, sizeof f->host_id, c->who.host_id);
    text_copy(f->name, sizeof f->name, c->who.host_name);
    text_copy(f->cluster, sizeof f->cluster, c->who.cluster);
    text_copy(f->os_version, sizeof f->os_version, c->who.os_version);
    text_copy(f->is_version, sizeof f->is_version, c->who.is_win6x);
}

static int add_record(struct evidence *v, const struct fleet_circumstance *c, struct observation *o)
{
    obs_str(o, ATTR_VM_ID, c->vm_id); /* the row has it in its one form */
    if (c->role == CIRCUMSTANCE_TOLD) {
        guest_then_take(&v->then, c->who.host_id, o);
        return 0;
    }
    if (c->role == CIRCUMSTANCE_CONFIG)
        return strcmp(c->vm_id, v->vm_id) == 0 ? guest_history_look(v->history, o, v->e) : 0;
    if (strcmp(c->vm_id, v->vm_id) == 0)
        guest_history_event(v->history, c->what, c->time);
    return case_file_add(v->file, &c->who, o, v->e);
}

/* Into the case file.  One that does not decode is as good as not there. */
static bool take_row(void *arg, const struct fleet_circumstance *c)
{
    struct evidence *v = (struct evidence *)arg;
    struct otlp_payload payload = { c->payload, c->len };
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request = { 0 };

    if (c->role == CIRCUMSTANCE_STRAY) {
        word_set_add(&v->codes, c->code);
        word_set_add(&v->names, c->vm_name);
        if (c->code[0] == '\0')
            word_set_add(&v->hosts, c->who.host_id);
    }
    if (c->role != CIRCUMSTANCE_CONFIG && c->role != CIRCUMSTANCE_TOLD)
        keep_facts(v, c);
    buf_clear(&v->framed);
    if (v->rc == 0)
        v->rc = otlp_encode_request(&c->who, &payload, 1, &v->framed, v->e);
    if (v->rc == 0 && otlp_decode(v->framed.data, v->framed.len, &limits, &request, v->e) == 0 &&
        request.groups != NULL && request.groups->batch.first != NULL)
        v->rc = add_record(v, c, request.groups->batch.first);
    otlp_request_free(&request);
    return v->rc == 0;
}

static int ask(struct evidence *v, enum circumstance_question which, const char *key, int64_t from, int64_t to,
               int limit)
{
    int rc;

    if (v->rc != 0)
        return v->rc;
    rc = v->s->body->ops->circumstances(v->s->body, which, key, from, to, limit, take_row, v, v->e);
    return v->rc = v->rc != 0 ? v->rc : rc;
}

static int ask_each(struct evidence *v, enum circumstance_question which, const struct word_set *keys, int64_t from,
                    int64_t to)
{
    struct word_set *copy = malloc(sizeof *copy); /* the answers add to the sets */

    if (copy == NULL)
        return v->rc = err_set(v->e, ERR_MEMORY, "out of memory");
    *copy = *keys;
    for (int i = 0; v->rc == 0 && i < copy->count; i++)
        (void)!ask(v, which, copy->words[i], from, to, EVIDENCE_ROWS_MAX);
    free(copy);
    return v->rc;
}

/* What tells of the guest's crashes, and what was with it before. */
static int load_signs(struct evidence *v, int64_t from, int64_t to)
{
    int64_t first, last;

    case_evidence_span(&v->options, from, to, &first, &last);
    if (v->vm_id[0] != '\0')
        (void)!ask(v, ASK_VM, v->vm_id, first, last, EVIDENCE_ROWS_MAX);
    (void)!ask(v, ASK_STRAYS, "", first, last, EVIDENCE_ROWS_MAX);
    (void)!ask_each(v, ASK_CODE, &v->codes, first, last);
    (void)!ask_each(v, ASK_NAME, &v->names, first, last);
    (void)!ask_each(v, ASK_HOST_SIGNS, &v->hosts, first, last);
    return v->rc;
}

static int load_before(struct evidence *v, int64_t from, int64_t to)
{
    static const enum circumstance_question before[] = { ASK_BOOT, ASK_ARRIVAL, ASK_CONFIG };
    int64_t first, last;

    case_evidence_span(&v->options, from, to, &first, &last);
    for (size_t i = 0; v->rc == 0 && v->vm_id[0] != '\0' && i < sizeof before / sizeof before[0]; i++)
        (void)!ask(v, before[i], v->vm_id, 1, first, 1);
    return v->rc;
}

/* What went on on that host, and in its cluster, around crashes at from..to. */
static int load_trouble(struct evidence *v, const struct incident *i, int64_t from, int64_t to)
{
    int64_t near = v->options.others_ns + v->options.tolerance_ns + CASE_FOLLOW_S * NS_PER_S;

    if (i->host_id[0] != '\0') {
        (void)!ask(v, ASK_HOST_SIGNS, i->host_id, from - near, to + near, EVIDENCE_ROWS_MAX);
        (void)!ask(v, ASK_HOST, i->host_id, from, to, EVIDENCE_ROWS_MAX);
        (void)!ask(v, ASK_GAPS, i->host_id, from, to, EVIDENCE_ROWS_MAX);
    }
    if (i->cluster[0] != '\0')
        (void)!ask(v, ASK_CLUSTER, i->cluster, from, to, EVIDENCE_ROWS_MAX);
    return v->rc;
}

static bool same_place(const struct incident *a, const struct incident *b)
{
    return strcmp(a->host_id, b->host_id) == 0 && strcmp(a->cluster, b->cluster) == 0;
}

/* Crashes near each other at one place are asked about together. */
static int load_surroundings(struct evidence *v, const struct incident_list *list)
{
    int64_t reach = v->options.before_ns + v->options.after_ns;

    for (size_t i = 0; v->rc == 0 && i < list->count;) {
        const struct incident *first = list->items[i];
        int64_t to = first->time;

        for (i++; i < list->count && same_place(first, list->items[i]) && list->items[i]->time - to < reach; i++)
            to = list->items[i]->time;
        (void)!load_trouble(v, first, first->time, to);
    }
    return v->rc;
}

/* ---- computing ------------------------------------------------------------------------------------ */

/* Leaves only those of this VM. */
static void keep_own(struct incident_list *list, const char *vm_id)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->vm_id, vm_id) == 0)
            list->items[kept++] = list->items[i];
        else
            incident_free(list->items[i]);
    }
    list->count = kept;
}

static int incidents_of(struct evidence *v, int64_t from, int64_t to, struct incident_list *out)
{
    int rc = case_file_incidents(v->file, from, to, out, v->e);

    if (rc == 0 && v->rc != 0) {
        incident_list_free(out);
        *out = (struct incident_list){ 0 };
        rc = v->rc;
    }
    if (rc == 0)
        keep_own(out, v->vm_id);
    return rc;
}

static int compute(struct evidence *v, int64_t from, int64_t to, struct incident_list *out)
{
    int rc = load_signs(v, from, to);

    if (rc == 0)
        rc = incidents_of(v, from, to, out);
    if (rc != 0 || out->count == 0)
        return rc;
    rc = load_surroundings(v, out);
    if (rc == 0)
        rc = load_before(v, from, to);
    incident_list_free(out);
    *out = (struct incident_list){ 0 };
    return rc != 0 ? rc : incidents_of(v, from, to, out);
}

int fleet_incidents_of(struct fleet_store *s, const struct case_options *options, const char *vm_id, int64_t from,
                       int64_t to, struct incident_list *out, struct err *e)
{
    struct evidence *v = calloc(1, sizeof *v);
    int rc;

    *out = (struct incident_list){ 0 };
    if (v == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    v->s = s;
    v->vm_id = vm_id;
    v->e = e;
    v->options = *options;
    v->options.guest_at = guest_at;
    v->options.host_at = host_at;
    v->options.around = around;
    v->options.arg = v;
    buf_init(&v->framed, RECORD_BYTES_MAX);
    rc = case_file_new(&v->file, &v->options, e);
    if (rc == 0)
        rc = guest_history_read(&v->history, s->body, vm_id, e);
    if (rc == 0)
        rc = compute(v, from, to, out);
    guest_history_free(v->history);
    case_file_free(v->file);
    buf_free(&v->framed);
    free(v->facts);
    free(v);
    return rc;
}

static bool note_any(void *arg, const struct fleet_circumstance *c)
{
    (void)c;
    *(bool *)arg = true;
    return false;
}

int fleet_incidents_strays(struct fleet_store *s, int64_t from, int64_t to, bool *out, struct err *e)
{
    int64_t first, last;

    *out = false;
    case_evidence_span(&s->incidents->options, from, to, &first, &last);
    return s->body->ops->circumstances(s->body, ASK_STRAYS, "", first, last, 1, note_any, out, e);
}
