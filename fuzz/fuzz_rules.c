/* Any bytes as a rules file: no crash, and either rules without a word or
 * problems and no rules; rules that are taken can be applied. */
#include "incidents/case_file.h"
#include "incidents/rules.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply(const struct rules *r)
{
    const struct incident_surroundings around = { .known = true, .module_guests = 3, .module_hosts = 2 };
    struct incident *i = incident_new();

    if (i == NULL)
        return;
    assert(rules_apply(r, i, &around, NULL) == 0);
    i->bugcheck.known = i->bugcheck.params_known = true;
    i->bugcheck.code = 0xd1;
    i->dump_count = 1;
    i->dumps[0].module = i->dumps[0].culprit = "storvsc.sys";
    i->guest_os_version = "6.1.7601";
    i->migration.known = i->migration.during = true;
    i->storage.longest_ns = 1;
    i->storage.device_count = 1;
    i->storage.devices[0] = (struct incident_device){ .device = "a", .signal = "io-slow", .host = "h", .count = 1 };
    assert(rules_apply(r, i, &around, NULL) == 0);
    incident_free(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf problems;
    struct rules *r;
    int rc;

    buf_init(&problems, 1024 * 1024);
    rc = rules_parse("fuzz", (const char *)data, size, &r, &problems);
    assert((rc == 0) == (problems.len == 0));
    assert((rc == 0) == (r != NULL));
    if (r != NULL)
        apply(r);
    rules_free(r);
    buf_free(&problems);
    return 0;
}
