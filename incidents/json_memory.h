/* Whether jansson ran out of memory.
 *
 * It does not always say so: where the text of a value outgrows its buffer and
 * memory is out, its reader drops a byte and goes on, or calls the document
 * wrong.  So its allocations go through here, and one that failed is noted for
 * the thread that asked.
 */
#ifndef INCIDENTS_JSON_MEMORY_H
#define INCIDENTS_JSON_MEMORY_H

#include <stdbool.h>

/* Nothing has failed on this thread. */
void json_memory_begin(void);

/* An allocation of jansson's failed on this thread since then. */
bool json_memory_failed(void);

#endif
