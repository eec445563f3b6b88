/* See support_kvp_run.h. */
#include "tests/collectors/support_kvp_run.h"

#include "base/times.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM "Msvm_ComputerSystem"
#define KVP    "Msvm_KvpExchangeComponent"

const char *const windows_items[] = {
    "FullyQualifiedDomainName",
    "sql01.example.com",
    "OSName",
    "Windows Server 2012 R2 Standard",
    "OSVersion",
    "6.3.9600",
    "OSPlatformId",
    "2",
    "ProcessorArchitecture",
    "9",
    "IntegrationServicesVersion",
    "6.3.9600.18692",
    "CSDVersion",
    "",
    NULL,
};

static const struct resource facts = {
    .host_id = "bundle:HV01",
    .host_name = "HV01",
    .cluster = "PROD-A",
    .os_version = "6.3.9600.20778",
    .is_win6x = "6.3.9600.18692",
    .is_win5x = "6.3.9600.18339",
    .boot_time = 1769846400 * NS_PER_S,
    .boot_id = "first",
};

static void open_source(struct kvp_run *r)
{
    struct kvp_options options = { .name = "HV01/kvp",
                                   .stream = &r->wmi.base,
                                   .facts = &facts,
                                   .privacy = r->privacy,
                                   .files = plat_files(),
                                   .interval_ns = NS_PER_S,
                                   .refresh_ns = r->refresh_ns };

    ck_assert_int_eq(kvp_source_new(&options, &r->source, NULL), 0);
}

void kvp_run_init_private(struct kvp_run *r, const struct agent_config_privacy *privacy)
{
    memset(r, 0, sizeof *r);
    fake_wmi_init(&r->wmi);
    r->privacy = privacy;
    r->mark = strdup("");
    r->now_ns = 5000;
    r->refresh_ns = 24 * 3600 * NS_PER_S;
    r->max_events = 100000;
    obs_batch_init(&r->batch, 256u << 20);
    buf_init(&r->step.new_mark, SOURCE_MARK_MAX);
    open_source(r);
}

void kvp_run_init(struct kvp_run *r)
{
    kvp_run_init_private(r, NULL);
}

void kvp_run_free(struct kvp_run *r)
{
    source_close(r->source);
    ck_assert(r->wmi.closed);
    fake_wmi_free(&r->wmi);
    obs_batch_free(&r->batch);
    buf_free(&r->step.new_mark);
    free(r->mark);
}

void kvp_run_restart(struct kvp_run *r)
{
    source_close(r->source);
    open_source(r);
}

int kvp_run_step(struct kvp_run *r)
{
    struct buf mark = r->step.new_mark;

    buf_clear(&mark);
    obs_batch_reset(&r->batch);
    r->step = (struct source_step){
        .mark = r->mark,
        .max_events = r->max_events,
        .max_bytes = 200u << 20,
        .now_ns = r->now_ns,
        .batch = &r->batch,
        .new_mark = mark,
    };
    return source_take_step(r->source, &r->step, &r->e);
}

void kvp_run_commit(struct kvp_run *r)
{
    free(r->mark);
    r->mark = strdup(buf_text(&r->step.new_mark));
}

void kvp_run_take(struct kvp_run *r)
{
    int rc = kvp_run_step(r);

    ck_assert_msg(rc == 0, "the step failed: %s", r->e.text);
    ck_assert(!r->batch.failed);
    kvp_run_commit(r);
}

struct buf *kvp_run_text(struct kvp_run *r, const char *class_name)
{
    return fake_wmi_text(&r->wmi, class_name);
}

const struct observation *kvp_run_guest(struct kvp_run *r, unsigned n)
{
    return find_obs(&r->batch, OBS_GUEST_INVENTORY, vm_guid(n));
}

void kvp_run_add(struct kvp_run *r, unsigned n, const char *const *items)
{
    char name[32];

    snprintf(name, sizeof name, "VM%u", n);
    xml_system(kvp_run_text(r, SYSTEM), vm_guid(n), name, 2);
    xml_kvp(kvp_run_text(r, KVP), vm_guid(n), items);
}

void kvp_run_clear(struct kvp_run *r)
{
    for (int i = 0; i < FAKE_WMI_CLASSES; i++)
        buf_clear(&r->wmi.text[i]);
}

const char *kvp_value(const struct observation *o, const char *name)
{
    char key[256];

    snprintf(key, sizeof key, "hyperv.kvp.%s", name);
    return obs_get_str(o, key);
}

const struct observation *kvp_run_take_items(struct kvp_run *r, const char *const *items)
{
    kvp_run_init(r);
    kvp_run_add(r, 1, items);
    kvp_run_take(r);
    ck_assert_ptr_nonnull(kvp_run_guest(r, 1));
    return kvp_run_guest(r, 1);
}
