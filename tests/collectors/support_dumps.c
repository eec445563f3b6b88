/* See support_dumps.h. */
#include "tests/collectors/support_dumps.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

void dump_put32(unsigned char *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(v >> 8 * i);
}

static void dump_put64(unsigned char *at, uint64_t v)
{
    dump_put32(at, (uint32_t)v);
    dump_put32(at + 4, (uint32_t)(v >> 32));
}

void dump_make(unsigned char *out, uint32_t code, uint64_t crash_seconds)
{
    for (size_t i = 0; i < DUMP_HEAD; i += 4)
        memcpy(out + i, "PAGE", 4);
    memset(out + DUMP_HEAD, 0xCC, DUMP_SIZE - DUMP_HEAD);
    memcpy(out, "PAGEDU64", 8);
    dump_put32(out + 0x08, 15);
    dump_put32(out + 0x0C, 9600);
    dump_put32(out + 0x30, 0x8664);
    dump_put32(out + 0x34, 4);
    dump_put32(out + 0x38, code);
    for (size_t i = 0; i < 4; i++)
        dump_put64(out + 0x40 + 8 * i, 0x1000 + i);
    dump_put32(out + 0x88, 1);
    dump_put32(out + 0x8C, 0);
    dump_put64(out + 0x90, DUMP_PAGES);
    dump_put64(out + 0x98, 1);
    dump_put64(out + 0xA0, DUMP_PAGES);
    dump_put32(out + 0xF98, 1);
    dump_put64(out + 0xFA0, DUMP_SIZE);
    dump_put64(out + 0xFA8, (crash_seconds + 11644473600u) * 10000000u);
    dump_put64(out + 0x1030, UINT64_C(3600) * 10000000);
}

unsigned char dump_a[DUMP_SIZE], dump_b[DUMP_SIZE];

static void open_source(struct dump_run *r)
{
    ck_assert_int_eq(dumps_source_new("dumps:/d", r->files, &r->clock.clock, &r->options, &r->source, NULL), 0);
}

void dump_run_restart(struct dump_run *r)
{
    source_close(r->source);
    open_source(r);
}

struct dump_run *dump_run_new(const char *dir)
{
    struct dump_run *r = calloc(1, sizeof *r);

    dump_make(dump_a, 0xD1, 1769846000);
    dump_make(dump_b, 0x9F, 1769846100);
    fake_files_init(&r->fs);
    fake_clock_init(&r->clock);
    r->files = &r->fs.files;
    r->options = (struct dumps_options){
        .dir = dir,
        .depth_max = 3,
        .rescan_ns = 5 * MINUTE,
        .settle_ns = 10 * SECOND,
        .files_max = 3000,
        .give_up_ns = HOUR,
    };
    r->mark = strdup("");
    r->max_events = 1000;
    obs_batch_init(&r->batch, 64 << 20);
    buf_init(&r->step.new_mark, SOURCE_MARK_MAX);
    fake_folder(&r->fs, "/d");
    open_source(r);
    return r;
}

void dump_run_free(struct dump_run *r)
{
    source_close(r->source);
    obs_batch_free(&r->batch);
    buf_free(&r->step.new_mark);
    free(r->mark);
    free(r);
}

void dump_run_step(struct dump_run *r)
{
    struct buf mark = r->step.new_mark;
    struct err e = { 0 };
    int rc;

    obs_batch_reset(&r->batch);
    r->step = (struct source_step){
        .mark = r->mark,
        .max_events = r->max_events,
        .max_bytes = 32 << 20,
        .now_ns = WALL,
        .deadline_ns = r->deadline_ns,
        .batch = &r->batch,
        .new_mark = mark,
    };
    rc = source_take_step(r->source, &r->step, &e);
    ck_assert_msg(rc == 0, "the step failed: %s", e.text);
}

int dump_run_take(struct dump_run *r, int64_t after)
{
    r->clock.ns += after;
    dump_run_step(r);
    free(r->mark);
    r->mark = strdup(buf_text(&r->step.new_mark));
    return r->batch.count;
}

const char *dump_run_status(const struct dump_run *r)
{
    return r->batch.first != NULL ? obs_get_str(r->batch.first, ATTR_DUMP_STATUS) : "";
}

const char *dump_run_problem(const struct dump_run *r)
{
    return r->batch.first != NULL ? obs_get_str(r->batch.first, ATTR_DUMP_PROBLEM) : "";
}

int dump_run_settle(struct dump_run *r)
{
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    return dump_run_take(r, 10 * SECOND);
}
