/* The embedded KVP items of one VM (hyperv.md B.2): strings that are XML. */
#ifndef COLLECTORS_KVP_ITEMS_H
#define COLLECTORS_KVP_ITEMS_H

#include "collectors/kvp_poll.h"

/* Adds the items of an array property to vm's intrinsic or custom ones. */
void kvp_items_take(struct kvp_poll *p, struct kvp_vm *vm, const struct cim_property *array, bool custom);

void kvp_items_sort(struct kvp_items *items);

/* Notes that something of this VM could not be read: the first is kept in
 * words, the others are counted. */
void kvp_vm_problem(struct kvp_poll *p, struct kvp_vm *vm, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Text without the white space at its ends: moves *text, shortens *len. */
void kvp_trim(const char **text, size_t *len);

#endif
