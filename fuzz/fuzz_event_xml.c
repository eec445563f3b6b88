/* Event XML to observations: the parser, the rules of every host generation,
 * and what is made of names and numbers in it. */
#include "collectors/event_apply.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum host_generation hosts[] = { HOST_UNKNOWN, HOST_2008R2, HOST_2012R2, HOST_2016UP };
    static struct event_parser *parser;
    const struct event *event;
    struct obs_batch batch;

    if (parser == NULL)
        parser = event_parser_new();
    if (parser == NULL || event_parse(parser, (const char *)data, size, &event, NULL) != 0)
        return 0;
    obs_batch_init(&batch, 16 * 1024 * 1024);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        bool taken;

        obs_batch_reset(&batch);
        taken = event_apply(event, hosts[i], (const char *)data, size, 1, &batch);
        assert(batch.failed || taken == (batch.first != NULL));
        for (const struct observation *o = batch.first; o != NULL; o = o->next)
            assert(o->body != NULL && o->attr_count > 0);
    }
    obs_batch_free(&batch);
    return 0;
}
