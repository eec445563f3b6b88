/* What is known of each guest and of the host, kept beside the outbox.
 *
 * The observations of a batch are sorted by VM, so that each guest it touches
 * is read once, takes in all of its observations in their order, and is written
 * once, with one struct guest in memory however many VMs a poll brings.
 *
 * A row that does not decode is forgotten: what is known comes back with the
 * next poll, and a gap says that it was lost meanwhile.  It is no reason to stop.
 */
#include "base/log.h"
#include "base/text.h"
#include "store/store_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One observation about a VM. */
struct touch {
    const char *vm_id;
    const struct observation *o;
};

static int by_vm_then_number(const void *a, const void *b)
{
    const struct touch *x = a, *y = b;
    int diff = strcmp(x->vm_id, y->vm_id);

    return diff != 0 ? diff : (x->o->seq > y->o->seq) - (x->o->seq < y->o->seq);
}

/* The canonical VM id of an observation, or NULL: what is no GUID is kept in
 * the outbox and known nowhere. */
static const char *vm_of(const struct observation *o)
{
    const char *id = obs_get_str(o, ATTR_VM_ID);
    char canonical[GUID_TEXT_MAX];

    if (strlen(id) != GUID_TEXT_MAX - 1 || !guid_parse(id, GUID_TEXT_MAX - 1, canonical))
        return NULL;
    return strcmp(id, canonical) == 0 ? id : NULL;
}

static int collect(struct store *s, const struct obs_batch *batch, size_t *count, struct err *e)
{
    size_t want = (size_t)batch->count;

    if (want > s->touched_cap) {
        struct touch *grown = realloc(s->touched, want * sizeof *grown);

        if (grown == NULL)
            return err_set(e, ERR_MEMORY, "out of memory for a batch of %zu observations", want);
        s->touched = grown;
        s->touched_cap = want;
    }
    *count = 0;
    for (const struct observation *o = batch->first; o != NULL; o = o->next) {
        const char *id = vm_of(o);

        if (id != NULL)
            s->touched[(*count)++] = (struct touch){ .vm_id = id, .o = o };
    }
    qsort(s->touched, *count, sizeof *s->touched, by_vm_then_number);
    return 0;
}

/* Decodes the row under the statement into s->guest. */
static bool decode_row(struct store *s, sqlite3_stmt *st, const char *vm_id)
{
    const void *bytes = sqlite3_column_blob(st, 1);
    size_t len = (size_t)sqlite3_column_bytes(st, 1);

    return bytes != NULL && text_sum(vm_id, bytes, len) == sqlite3_column_int64(st, 0) &&
           guest_decode(&s->guest, bytes, len, NULL) == 0;
}

enum load { LOADED, LOAD_NEW, LOAD_DAMAGED };

static int load(struct store *s, const char *vm_id, enum load *how, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_GUEST_GET];
    int step, rc = 0;

    put_text(st, 1, vm_id);
    step = sqlite3_step(st);
    *how = LOAD_NEW;
    if (step == SQLITE_ROW)
        *how = decode_row(s, st, vm_id) ? LOADED : LOAD_DAMAGED;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_error(s, e, "read a guest");
    sqlite3_reset(st);
    if (rc == 0 && *how != LOADED)
        guest_init(&s->guest, vm_id);
    return rc;
}

static int tell_forgotten(struct store *s, const char *vm_id, struct err *e)
{
    struct observation *o = own_gap(s, "record-unreadable", 0, 0);

    obs_str(o, ATTR_VM_ID, vm_id);
    obs_body(o, "What was known of VM %s was damaged on the disk; it is collected anew.", vm_id);
    log_event(LOG_WARN, "store.guest_forgotten", LOG_S("vm_id", vm_id), LOG_S("reason", "damaged"));
    return own_put(s, o, e);
}

static int forget(struct store *s, const char *vm_id, struct err *e)
{
    put_text(s->stmts[STMT_GUEST_DELETE], 1, vm_id);
    return sql_run(s, STMT_GUEST_DELETE, "forget a guest", e);
}

/* A new guest beyond the bound takes the place of the one not seen longest. */
static int make_room(struct store *s, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_GUEST_OLDEST];
    char vm_id[GUID_TEXT_MAX] = "";
    int step, rc = 0;

    if (s->now.guests < STORE_GUESTS_MAX)
        return 0;
    step = sqlite3_step(st);
    if (step == SQLITE_ROW)
        text_copy(vm_id, sizeof vm_id, got_text(st, 0));
    else
        rc = sql_error(s, e, "look for the guest not seen longest");
    sqlite3_reset(st);
    if (rc == 0)
        rc = forget(s, vm_id, e);
    if (rc == 0) {
        s->now.guests--;
        log_event(LOG_INFO, "store.guest_forgotten", LOG_S("vm_id", vm_id), LOG_S("reason", "too many guests"));
    }
    return rc;
}

static int save(struct store *s, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_GUEST_PUT];
    const struct guest *g = &s->guest;
    int rc;

    buf_clear(&s->state);
    rc = guest_encode(g, &s->state, e);
    if (rc != 0)
        return rc;
    put_text(st, 1, g->vm_id);
    put_text(st, 2, g->name);
    put_int(st, 3, g->last_seen);
    put_int(st, 4, text_sum(g->vm_id, s->state.data, s->state.len));
    put_blob(st, 5, s->state.data, s->state.len);
    return sql_run(s, STMT_GUEST_PUT, "write a guest", e);
}

/* The run of observations about one VM. */
static int take_in_one(struct store *s, const char *host_id, const struct touch *first, size_t count, struct err *e)
{
    enum load how = LOAD_NEW;
    int rc = load(s, first->vm_id, &how, e);

    if (rc == 0 && how == LOAD_DAMAGED)
        rc = tell_forgotten(s, first->vm_id, e);
    if (rc == 0 && how == LOAD_NEW)
        rc = make_room(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        guest_apply(&s->guest, host_id, first[i].o);
    rc = save(s, e);
    if (rc == 0 && how == LOAD_NEW)
        s->now.guests++;
    return rc;
}

static int take_in_host(struct store *s, const char *host_id, const struct obs_batch *batch, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_HOST_PUT];
    struct host *h = &s->now.host;
    struct resource who = { 0 };
    int rc;

    text_copy(who.host_id, sizeof who.host_id, host_id);
    if (!s->now.host_known || strcmp(h->facts.host_id, who.host_id) != 0) {
        host_init(h, &who);
        s->now.host_known = true;
    }
    for (const struct observation *o = batch->first; o != NULL; o = o->next)
        host_apply(h, &who, o);
    buf_clear(&s->state);
    rc = host_encode(h, &s->state, e);
    if (rc != 0)
        return rc;
    put_int(st, 1, text_sum("host", s->state.data, s->state.len));
    put_blob(st, 2, s->state.data, s->state.len);
    return sql_run(s, STMT_HOST_PUT, "write the host", e);
}

int guests_take_in(struct store *s, const char *host_id, const struct obs_batch *batch, struct err *e)
{
    size_t count = 0, run;
    int rc;

    if (batch->count == 0)
        return 0;
    rc = collect(s, batch, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i += run) {
        for (run = 1; i + run < count && strcmp(s->touched[i + run].vm_id, s->touched[i].vm_id) == 0;)
            run++;
        rc = take_in_one(s, host_id, &s->touched[i], run, e);
    }
    return rc == 0 ? take_in_host(s, host_id, batch, e) : rc;
}

int store_guests(struct store *s, bool (*take)(void *arg, const struct guest *g), void *arg, struct err *e)
{
    sqlite3_stmt *ids = s->stmts[STMT_GUEST_IDS];
    int rc = store_usable(s, e), step = SQLITE_DONE;
    bool more = true;

    while (rc == 0 && more && (step = sqlite3_step(ids)) == SQLITE_ROW) {
        enum load how = LOAD_NEW;
        char vm_id[GUID_TEXT_MAX];

        text_copy(vm_id, sizeof vm_id, got_text(ids, 0));
        rc = sql_out_of_memory(s) ? sql_error(s, e, "read the guests") : load(s, vm_id, &how, e);
        if (rc == 0 && how == LOADED)
            more = take(arg, &s->guest);
    }
    if (rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_error(s, e, "read the guests");
    sqlite3_reset(ids);
    return rc;
}

int store_host(struct store *s, struct host *out, struct err *e)
{
    int rc = store_usable(s, e);

    if (rc == 0 && !s->now.host_known)
        rc = err_set(e, ERR_NOT_FOUND, "nothing is known of the host yet");
    if (rc == 0)
        *out = s->now.host;
    return rc;
}
