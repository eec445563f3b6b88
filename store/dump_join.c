/* Whose dump it is, when neither the folder nor the owner of the file says so.
 *
 * A dump names no guest, but its bug check code and four parameters are those
 * of the guest's event 18590 (model/crash_key.h).  So a dump without a VM is
 * held against the last crash of every guest known on this host; the one that
 * has the same key, at the same time, is whose dump it is.  The times are the guest's
 * clock in the dump and the host's in the event: they may differ by
 * DUMP_JOIN_SKEW_S, which keeps a crash that comes again with the same key apart
 * from the one before it.
 *
 * Two guests with that key at that time: the one whose name is that of the
 * dump's folder, if one is; else none, and the observation says that it was not
 * clear.  A live dump is of no crash, and a dump without its time can be of any.
 *
 * This looks back only.  When the event comes after the dump, the dump has its
 * number and is not touched again; the hub, which has both, joins them.
 */
#include "base/text.h"
#include "base/times.h"
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

/* One dump that looks for its guest. */
struct seek {
    struct observation *o;
    struct crash_key key;
    int64_t time;
    int found, found_by_name;
    char vm_id[GUID_TEXT_MAX];
    char name[GUEST_NAME_MAX];
};

struct seeking {
    struct seek *list;
    size_t count;
};

static bool wants_guest(const struct observation *o, struct seek *out)
{
    if (o->kind != OBS_GUEST_DUMP || obs_get_str(o, ATTR_VM_ID)[0] != '\0' ||
        strcmp(obs_get_str(o, ATTR_CRASH_KIND), "bugcheck") != 0)
        return false;
    *out = (struct seek){ .o = NULL };
    return crash_key_of(o, &out->key) && times_parse(obs_get_str(o, ATTR_DUMP_TIME), &out->time) && out->time > 0;
}

static int gather(struct obs_batch *batch, struct seeking *out, struct err *e)
{
    struct seek one;

    *out = (struct seeking){ .list = NULL };
    for (struct observation *o = batch->first; o != NULL; o = o->next) {
        struct seek *grown;

        if (!wants_guest(o, &one))
            continue;
        grown = realloc(out->list, (out->count + 1) * sizeof *grown);
        if (grown == NULL)
            return err_set(e, ERR_MEMORY, "out of memory for a batch of %d observations", batch->count);
        out->list = grown;
        one.o = o;
        out->list[out->count++] = one;
    }
    return 0;
}

/* A guest that is named in the dump's folder outweighs those that are not. */
static void offer(struct seek *s, const struct guest *g)
{
    const char *folder = obs_get_str(s->o, ATTR_VM_NAME);
    bool named = g->name[0] != '\0' && text_casecmp(folder, g->name) == 0;

    s->found++;
    s->found_by_name += named;
    if (s->found > 1 && !named)
        return;
    text_copy(s->vm_id, sizeof s->vm_id, g->vm_id);
    text_copy(s->name, sizeof s->name, g->name);
}

static bool look_at_guest(void *arg, const struct guest *g)
{
    struct seeking *all = arg;
    struct crash_key key;

    if (!guest_crash_key(g, &key))
        return true;
    for (size_t i = 0; i < all->count; i++) {
        struct seek *s = &all->list[i];
        int64_t apart = s->time > g->last_crash ? s->time - g->last_crash : g->last_crash - s->time;

        if (apart <= DUMP_JOIN_SKEW_S * NS_PER_S && crash_key_same(&s->key, &key))
            offer(s, g);
    }
    return true;
}

static void settle(const struct seek *s)
{
    if (s->found == 1 || s->found_by_name == 1) {
        obs_str(s->o, ATTR_VM_ID, s->vm_id);
        obs_str(s->o, ATTR_VM_NAME, s->name);
        obs_str(s->o, ATTR_DUMP_VM_BY, "crash-event");
    } else if (s->found > 1) {
        obs_str(s->o, ATTR_DUMP_VM_BY, "ambiguous");
    }
}

int dump_join(struct store *s, struct obs_batch *batch, struct err *e)
{
    struct seeking all;
    int rc = gather(batch, &all, e);

    if (rc == 0 && all.count > 0)
        rc = store_guests(s, look_at_guest, &all, e);
    for (size_t i = 0; rc == 0 && i < all.count; i++)
        settle(&all.list[i]);
    free(all.list);
    if (rc == 0 && batch->failed)
        rc = err_set(e, ERR_TOO_BIG, "a batch of observations went over its memory; it must be made smaller");
    return rc;
}
