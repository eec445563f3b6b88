/* Any OTLP JSON as evidence: no crash, the same incidents whether it is added
 * forwards or backwards, and their JSON can be read back. */
#include "incidents/case_file.h"
#include "incidents/rules.h"
#include "model/otlp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { OBSERVATIONS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct evidence {
    const struct resource *who[OBSERVATIONS_MAX];
    const struct observation *o[OBSERVATIONS_MAX];
    int count;
};

static void gather(const struct otlp_request *r, struct evidence *e)
{
    for (const struct otlp_group *g = r->groups; g != NULL; g = g->next) {
        for (const struct observation *o = g->batch.first; o != NULL && e->count < OBSERVATIONS_MAX; o = o->next) {
            e->who[e->count] = &g->resource;
            e->o[e->count++] = o;
        }
    }
}

static void read_back(const struct incident *i, const struct buf *json, size_t from)
{
    struct incident *again;

    assert(i->id[0] != '\0');
    assert(incident_from_json(json->data + from, json->len - from, &again, NULL) == 0);
    incident_free(again);
}

static void conclude(const struct evidence *e, const struct rules *rules, bool backwards, struct buf *json)
{
    struct case_options options;
    struct incident_list list;
    struct case_file *c;

    case_options_default(&options);
    options.clues_max = 64;
    options.rules = rules;
    if (case_file_new(&c, &options, NULL) != 0)
        return;
    for (int n = 0; n < e->count; n++) {
        int at = backwards ? e->count - 1 - n : n;

        assert(case_file_add(c, e->who[at], e->o[at], NULL) == 0);
    }
    assert(case_file_incidents(c, 0, 0, &list, NULL) == 0);
    for (size_t n = 0; n < list.count; n++) {
        size_t from = json->len;

        assert(incident_json(list.items[n], json, NULL) == 0);
        read_back(list.items[n], json, from);
    }
    incident_list_free(&list);
    case_file_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rules *rules;
    struct otlp_limits limits = otlp_limits_default();
    struct evidence e = { .count = 0 };
    struct otlp_request r = { 0 };
    struct buf first, second;

    if (rules == NULL)
        rules = rules_shipped();
    buf_init(&first, 64 * INCIDENT_JSON_MAX);
    buf_init(&second, 64 * INCIDENT_JSON_MAX);
    if (rules != NULL && otlp_decode_json((const char *)data, size, &limits, &r, NULL) == 0) {
        gather(&r, &e);
        conclude(&e, rules, false, &first);
        conclude(&e, rules, true, &second);
        assert(first.len == second.len && memcmp(buf_text(&first), buf_text(&second), first.len) == 0);
    }
    otlp_request_free(&r);
    buf_free(&first);
    buf_free(&second);
    return 0;
}
