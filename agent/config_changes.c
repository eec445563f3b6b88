/* See config_changes.h.  One table: the keys that are fixed while the agent
 * runs, because a store, a socket or an identity hangs on them. */
#include "agent/config_changes.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

struct fixed_key {
    const char *key;
    size_t offset, size;
};

#define FIXED(k, member)                                                                     \
    {                                                                                        \
        k, offsetof(struct agent_config, member), sizeof(((struct agent_config *)0)->member) \
    }

static const struct fixed_key fixed_texts[] = {
    FIXED("store.dir", data_dir),  FIXED("status.socket", socket),      FIXED("status.group", socket_group),
    FIXED("host.name", host_name), FIXED("host.cluster", host_cluster),
};

static bool same_list(const struct config_list *a, const struct config_list *b)
{
    if (a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static void add(struct config_list *list, const char *key)
{
    if (list->count < CONFIG_LIST_MAX)
        text_copy(list->items[list->count++], CONFIG_TEXT_MAX, key);
}

void config_restart_needed(const struct agent_config *in_force, const struct agent_config *wanted,
                           struct config_list *out)
{
    const char *a = (const char *)in_force, *b = (const char *)wanted;

    out->count = 0;
    for (size_t i = 0; i < sizeof fixed_texts / sizeof fixed_texts[0]; i++)
        if (strcmp(a + fixed_texts[i].offset, b + fixed_texts[i].offset) != 0)
            add(out, fixed_texts[i].key);
    if (in_force->store_max_bytes != wanted->store_max_bytes)
        add(out, "store.max_size");
    if (!same_list(&in_force->bundles, &wanted->bundles))
        add(out, "sources.bundles");
}

void config_keep_fixed(const struct agent_config *in_force, struct agent_config *wanted)
{
    for (size_t i = 0; i < sizeof fixed_texts / sizeof fixed_texts[0]; i++)
        memcpy((char *)wanted + fixed_texts[i].offset, (const char *)in_force + fixed_texts[i].offset,
               fixed_texts[i].size);
    wanted->store_max_bytes = in_force->store_max_bytes;
    wanted->bundles = in_force->bundles;
}
