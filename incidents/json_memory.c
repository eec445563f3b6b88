/* See json_memory.h.  jansson takes its allocators for the whole program and wants them before it is used, so they are
 * set when the program starts; they are the C library's, and what was allocated otherwise can still be freed. */
#include "incidents/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

static _Thread_local bool failed;

static void *noted_malloc(size_t size)
{
    void *p = malloc(size);

    failed = failed || p == NULL;
    return p;
}

__attribute__((constructor)) static void set_allocators(void)
{
    json_set_alloc_funcs(noted_malloc, free);
}

void json_memory_begin(void)
{
    failed = false;
}

bool json_memory_failed(void)
{
    return failed;
}
