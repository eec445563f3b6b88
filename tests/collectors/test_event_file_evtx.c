/* Saved .evtx files that grow, go round, are replaced or damaged. */
#include "collectors/event_evtx.h"
#include "collectors/event_file.h"
#include "collectors/eventlog.h"
#include "tests/collectors/support_event.h"
#include "tests/collectors/support_evtx.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

const char *__lsan_default_suppressions(void);

/* libevtx loses memory over some damaged records (event_evtx.c says how that is
 * bounded); a leak of our own is still found. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libevtx.so";
}

static const char *save(const struct evtx_log *l, const char *dir)
{
    return write_file(dir, "log.evtx", l->bytes, EVTX_FILE_HEADER + l->chunks * EVTX_CHUNK);
}

/* Makes the file one that nobody has written to for an hour. */
static const char *rest(const char *path)
{
    struct timespec times[2];

    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= 3600;
    times[1] = times[0];
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    return path;
}

static struct event_stream *open_stream(const char *path)
{
    struct event_stream *s;
    struct err e;

    ck_assert_int_eq(event_file_evtx(plat_files(), path, &s, &e), 0);
    return s;
}

/* With a stream of its own, from h's mark on. */
static void hear_file(struct heard *h, const char *path)
{
    struct event_stream *s = open_stream(path);

    heard_forget(h);
    hear(h, s);
    s->ops->close(s);
}

/* The records that were heard, in order: "1 2 3 ". */
static const char *records(const struct heard *h)
{
    static char text[64 * 1024];
    size_t used = 0;

    text[0] = '\0';
    for (const char *p = buf_text(&h->places); (p = strstr(p, "record ")) != NULL;) {
        p += 7;
        used += (size_t)snprintf(text + used, sizeof text - used, "%d ", (int)strtol(p, NULL, 10));
        ck_assert_uint_lt(used, sizeof text);
    }
    return text;
}

static struct evtx_log l;

START_TEST(the_records_of_a_log_are_read_in_order)
{
    const char *path;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 3);
    evtx_log_add_chunk(&l, 1, 4, 6);
    path = save(&l, temp_dir());
    heard_init(&h);
    hear_file(&h, path);
    ck_assert_str_eq(records(&h), "1 2 3 4 5 6 ");
    ck_assert_int_eq(h.gap_count, 0);
    ck_assert_int_eq(h.report.lag_records, 0);
    ck_assert_ptr_nonnull(strstr(h.events.data, "<EventRecordID>6</EventRecordID>"));
    ck_assert_ptr_nonnull(strstr(h.places.data, "log.evtx:record 1\n"));
    hear_file(&h, path);
    ck_assert_int_eq(h.event_count + h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(chunks_of_a_log_that_went_round_are_put_in_order)
{
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 1, 10, 12);
    evtx_log_add_chunk(&l, 2, 13, 15);
    evtx_log_add_chunk(&l, 0, 16, 17);
    heard_init(&h);
    hear_file(&h, save(&l, temp_dir()));
    ck_assert_str_eq(records(&h), "10 11 12 13 14 15 16 17 ");
    ck_assert_int_eq(h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(a_growing_log_gives_each_record_once)
{
    const char *dir = temp_dir(), *path;
    struct event_stream *s;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 2);
    path = save(&l, dir);
    s = open_stream(path);
    heard_init(&h);
    hear(&h, s);
    for (uint64_t id = 3; id < 6; id++) {
        evtx_log_add_record(&l, id);
        save(&l, dir);
        hear(&h, s);
    }
    evtx_log_add_chunk(&l, 1, 6, 8);
    save(&l, dir);
    hear(&h, s);
    ck_assert_str_eq(records(&h), "1 2 3 4 5 6 7 8 ");
    ck_assert_int_eq(h.gap_count, 0);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_read_stops_within_a_chunk_and_goes_on_there)
{
    const char *dir = temp_dir();
    struct event_stream *s;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 3);
    evtx_log_add_chunk(&l, 1, 4, 5);
    s = open_stream(save(&l, dir));
    heard_init(&h);
    hear_once(&h, s, 2);
    ck_assert_str_eq(records(&h), "1 2 ");
    ck_assert(h.report.more);
    ck_assert_int_eq(h.report.lag_records, 3);
    hear_once(&h, s, 2);
    ck_assert_str_eq(records(&h), "1 2 3 4 ");
    hear(&h, s);
    ck_assert_str_eq(records(&h), "1 2 3 4 5 ");
    ck_assert_int_eq(h.gap_count, 0);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

/* What a file holds when it is looked at again; 0 for a number or what is added to times: as at first. */
struct next {
    uint64_t number, written, first, last;
};

/* A log with records 1 to last is read; then the file holds another one. */
static void check_next(uint64_t last, struct next next, const char *heard, const char *gaps)
{
    const char *dir = temp_dir();
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, last);
    heard_init(&h);
    hear_file(&h, save(&l, dir));
    evtx_log_start(&l);
    l.number = next.number != 0 ? next.number : l.number;
    l.written = next.written;
    evtx_log_add_chunk(&l, 0, next.first, next.last);
    hear_file(&h, save(&l, dir));
    ck_assert_str_eq(records(&h), heard);
    ck_assert_str_eq(buf_text(&h.gaps), gaps);
    ck_assert_int_eq(h.gap_count, gaps[0] != '\0');
    heard_free(&h);
}

START_TEST(records_that_were_overwritten_before_they_were_read_are_a_gap)
{
    check_next(3, (struct next){ .number = 10, .first = 10, .last = 12 }, "10 11 12 ", "log-wrapped [4] [9]\n");
}
END_TEST

START_TEST(a_log_that_went_round_without_loss_goes_on)
{
    check_next(3, (struct next){ .number = 4, .first = 4, .last = 5 }, "4 5 ", "");
}
END_TEST

START_TEST(a_cleared_log_that_begins_anew_is_a_replaced_file)
{
    check_next(9, (struct next){ .first = 1, .last = 2 }, "1 2 ", "file-replaced [9] []\n");
}
END_TEST

START_TEST(another_log_with_the_same_record_ids_is_a_replaced_file)
{
    check_next(3, (struct next){ .written = 77, .first = 1, .last = 5 }, "1 2 3 4 5 ", "file-replaced [3] []\n");
}
END_TEST

/* Makes the record's size zero, as in the known sample. */
static void damage(size_t place, unsigned nth)
{
    unsigned char *r = l.bytes + EVTX_FILE_HEADER + place * EVTX_CHUNK + EVTX_LOG_FIRST_RECORD;

    for (; nth > 0; nth--)
        r += r[4] | (size_t)r[5] << 8;
    evtx_log_put(r + 4, 4, 0);
}

START_TEST(a_damaged_record_is_a_gap_with_its_number_and_the_rest_is_read)
{
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 6);
    evtx_log_add_chunk(&l, 1, 7, 8);
    damage(0, 2);
    heard_init(&h);
    hear_file(&h, save(&l, temp_dir()));
    ck_assert_str_eq(records(&h), "1 2 4 5 6 7 8 ");
    ck_assert_str_eq(buf_text(&h.gaps), "record-unreadable [3] [3]\n");
    heard_free(&h);
}
END_TEST

START_TEST(a_damaged_end_is_told_when_the_file_rests_and_only_once)
{
    const char *dir = temp_dir(), *path;
    struct event_stream *s;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 4);
    damage(0, 3);
    path = save(&l, dir);
    s = open_stream(path);
    heard_init(&h);
    hear(&h, s);
    hear(&h, s);
    ck_assert_str_eq(records(&h), "1 2 3 ");
    ck_assert_int_eq(h.gap_count, 0);
    ck_assert_int_eq(h.report.lag_records, 1);
    rest(path);
    hear(&h, s);
    ck_assert_str_eq(buf_text(&h.gaps), "record-unreadable [4] [4]\n");
    ck_assert_int_eq(h.report.lag_records, 0);
    hear(&h, s);
    ck_assert_int_eq(h.gap_count, 1);
    evtx_log_add_chunk(&l, 1, 5, 6);
    save(&l, dir);
    hear(&h, s);
    ck_assert_str_eq(records(&h), "1 2 3 5 6 ");
    ck_assert_int_eq(h.gap_count, 1);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_log_that_is_being_copied_is_read_as_it_comes)
{
    const char *dir = temp_dir();
    size_t size, step = 3000;
    unsigned char *part;
    struct event_stream *s;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 6);
    evtx_log_add_chunk(&l, 1, 7, 9);
    size = EVTX_FILE_HEADER + l.chunks * EVTX_CHUNK;
    part = calloc(1, size); /* as large as it will be from the start */
    ck_assert_ptr_nonnull(part);
    s = open_stream(write_file(dir, "log.evtx", part, 0));
    heard_init(&h);
    for (size_t len = 0; len < size; len += step) {
        memcpy(part + len, l.bytes + len, size - len < step ? size - len : step);
        write_file(dir, "log.evtx", part, size);
        hear(&h, s);
    }
    ck_assert_str_eq(records(&h), "1 2 3 4 5 6 7 8 9 ");
    ck_assert_int_eq(h.gap_count, 0);
    s->ops->close(s);
    heard_free(&h);
    free(part);
}
END_TEST

START_TEST(a_record_that_was_torn_is_read_when_it_is_whole)
{
    const char *dir = temp_dir();
    struct event_stream *s;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 4);
    damage(0, 3);
    s = open_stream(save(&l, dir));
    heard_init(&h);
    hear_once(&h, s, 100);
    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 5);
    save(&l, dir);
    hear(&h, s);
    ck_assert_str_eq(records(&h), "1 2 3 4 5 ");
    ck_assert_int_eq(h.gap_count, 0);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_chunk_without_a_readable_header_is_a_gap_once)
{
    const char *dir = temp_dir();
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 2);
    evtx_log_add_chunk(&l, 1, 3, 4);
    evtx_log_add_chunk(&l, 2, 5, 6);
    memset(l.bytes + EVTX_FILE_HEADER + EVTX_CHUNK, 'x', 64);
    heard_init(&h);
    hear_file(&h, rest(save(&l, dir)));
    ck_assert_str_eq(records(&h), "1 2 5 6 ");
    ck_assert_int_eq(h.gap_count, 1);
    evtx_log_add_record(&l, 7);
    hear_file(&h, rest(save(&l, dir)));
    ck_assert_str_eq(records(&h), "7 ");
    ck_assert_int_eq(h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(a_filtered_export_has_holes_that_are_no_gaps)
{
    struct heard h;

    evtx_log_start(&l);
    evtx_log_start_chunk(&l, 0, 5);
    evtx_log_add_record(&l, 5);
    evtx_log_add_record(&l, 70);
    evtx_log_add_record(&l, 300);
    heard_init(&h);
    hear_file(&h, save(&l, temp_dir()));
    ck_assert_str_eq(records(&h), "5 70 300 ");
    ck_assert_int_eq(h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(a_damaged_record_of_a_filtered_export_is_told_once)
{
    const char *dir = temp_dir();
    struct heard h;

    evtx_log_start(&l);
    evtx_log_start_chunk(&l, 0, 5);
    evtx_log_add_record(&l, 5);
    evtx_log_add_record(&l, 70);
    evtx_log_add_record(&l, 300);
    damage(0, 2);
    heard_init(&h);
    hear_file(&h, rest(save(&l, dir)));
    ck_assert_str_eq(records(&h), "5 70 ");
    ck_assert_str_eq(buf_text(&h.gaps), "record-unreadable [5] [300]\n");
    evtx_log_add_chunk(&l, 1, 301, 301);
    hear_file(&h, rest(save(&l, dir)));
    ck_assert_str_eq(records(&h), "301 ");
    ck_assert_int_eq(h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(a_log_cut_anywhere_gives_what_is_whole_and_never_hangs)
{
    const char *dir = temp_dir();
    size_t size;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 3);
    evtx_log_add_chunk(&l, 1, 4, 6);
    size = EVTX_FILE_HEADER + 2 * EVTX_CHUNK;
    for (size_t len = 0; len < size; len += len < 200 ? 7 : 977) {
        struct heard h;

        heard_init(&h);
        hear_file(&h, write_file(dir, "log.evtx", l.bytes, len));
        ck_assert_int_le(h.event_count, 6);
        ck_assert_int_le(h.gap_count, 2);
        if (len >= EVTX_FILE_HEADER + EVTX_CHUNK)
            ck_assert_int_ge(h.event_count, 3);
        heard_free(&h);
    }
}
END_TEST

START_TEST(bytes_turned_at_random_never_harm)
{
    const char *dir = temp_dir();
    unsigned seed = 12345;

    for (int round = 0; round < 300; round++) {
        struct heard h;

        evtx_log_start(&l);
        evtx_log_add_chunk(&l, 0, 1, 5);
        for (int i = 0; i < 1 + round % 8; i++) {
            seed = seed * 1103515245u + 12345u;
            l.bytes[EVTX_FILE_HEADER + (seed >> 8) % 4096] ^= (unsigned char)(1u << (seed >> 28 & 7));
        }
        heard_init(&h);
        hear_file(&h, save(&l, dir));
        ck_assert_int_le(h.event_count, EVTX_RECORDS_MAX);
        heard_free(&h);
    }
}
END_TEST

START_TEST(a_log_with_too_many_damaged_records_is_given_up)
{
    const char *dir = temp_dir();
    struct event_stream *s;
    struct heard h;
    int reads = 0;

    heard_init(&h);
    evtx_log_start(&l);
    for (size_t place = 0; place < EVTX_LOG_CHUNKS_MAX; place++) {
        uint64_t first = 1 + place * 70;

        evtx_log_start_chunk(&l, place, first);
        for (uint64_t id = first; id < first + 70; id++) {
            size_t start = l.at;

            evtx_log_add_record(&l, id);
            l.chunk[start + 28] = 0x7f; /* no such token */
        }
        evtx_log_seal(&l, first + 69, EVTX_LOG_FIRST_RECORD);
    }
    s = open_stream(rest(save(&l, dir)));
    do
        hear_once(&h, s, 10);
    while (h.report.more && ++reads < 100);
    ck_assert_int_eq(h.event_count, 0);
    ck_assert_int_eq(h.report.state, STREAM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(h.report.remedy, "damaged"));
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(what_is_no_evtx_file_is_said_to_be_none)
{
    char text[8192];
    struct heard h;

    memset(text, 'x', sizeof text);
    heard_init(&h);
    hear_file(&h, write_file(temp_dir(), "log.evtx", text, sizeof text));
    ck_assert_int_eq(h.report.state, STREAM_MISCONFIGURED);
    ck_assert_ptr_nonnull(strstr(h.report.remedy, "log.evtx"));
    ck_assert_int_eq(h.event_count + h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(an_absent_or_empty_file_is_waited_for)
{
    const char *dir = temp_dir();
    char path[4200];
    struct event_stream *s;
    struct heard h;

    snprintf(path, sizeof path, "%s/log.evtx", dir);
    s = open_stream(path);
    heard_init(&h);
    hear(&h, s);
    ck_assert_int_eq(h.report.state, STREAM_ABSENT);
    write_file(dir, "log.evtx", "", 0);
    hear(&h, s);
    ck_assert_int_eq(h.report.state, STREAM_ATTACHED);
    evtx_log_start(&l);
    save(&l, dir);
    hear(&h, s);
    evtx_log_add_chunk(&l, 0, 1, 1);
    save(&l, dir);
    hear(&h, s);
    ck_assert_str_eq(records(&h), "1 ");
    ck_assert_int_eq(h.gap_count, 0);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_mark_of_another_kind_is_refused)
{
    static const char *const bad[] = {
        "x", "evtx1", "evtx1 1 2 3", "evtx1 1 2 3 4 5", "evtx1 ffffffffffffffff 0 0 0", "xml1 0 0 0 0 0 0"
    };
    struct event_stream *s;
    struct stream_report report;
    struct heard h;

    evtx_log_start(&l);
    evtx_log_add_chunk(&l, 0, 1, 1);
    s = open_stream(save(&l, temp_dir()));
    heard_init(&h);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(s->ops->read(s, bad[i], 10, 1000, &h.sink, &h.mark, &report, NULL) == ERR_INVALID, "%s", bad[i]);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(the_real_log_gives_its_12_retried_requests_and_tells_its_damaged_record)
{
    const char *path = shared_sample("evtx/guest-system-hyperv-guest.evtx");
    struct event_stream *stream;
    struct source *source;
    struct obs_batch batch;
    struct source_step step = { .mark = "", .max_events = 1000, .max_bytes = 8 << 20, .now_ns = 1, .batch = &batch };
    struct err e;
    int retried = 0, gaps = 0, others = 0;

    if (path == NULL)
        skip("no evtx/guest-system-hyperv-guest.evtx");
    stream = open_stream(path);
    ck_assert_int_eq(eventlog_source_new("real", stream, HOST_2016UP, &source, &e), 0);
    ck_assert_str_eq(source->watch_path, path);
    obs_batch_init(&batch, 16 << 20);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    ck_assert_int_eq(source_take_step(source, &step, &e), 0);
    for (const struct observation *o = batch.first; o != NULL; o = o->next) {
        bool is_retried = strcmp(obs_get_str(o, ATTR_SIGNAL), "io-retried") == 0;

        retried += is_retried;
        gaps += o->kind == OBS_GAP;
        others += !is_retried && o->kind != OBS_GAP;
        if (is_retried)
            ck_assert_str_eq(obs_get_str(o, ATTR_DEVICE), "\\Device\\Harddisk0\\DR0");
        if (o->kind == OBS_GAP)
            ck_assert_str_eq(obs_get_str(o, ATTR_GAP_FROM), "3");
    }
    ck_assert_int_eq(retried, 12);
    ck_assert_int_eq(gaps, 1);
    ck_assert_int_eq(others, 0);
    ck_assert_int_eq(step.skipped, 449 - 12);
    ck_assert_int_eq(step.report.lag_records, 0);
    buf_free(&step.new_mark);
    obs_batch_free(&batch);
    source_close(source);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_records_of_a_log_are_read_in_order);
    suite_test(s, chunks_of_a_log_that_went_round_are_put_in_order);
    suite_test(s, a_growing_log_gives_each_record_once);
    suite_test(s, a_read_stops_within_a_chunk_and_goes_on_there);
    suite_test(s, records_that_were_overwritten_before_they_were_read_are_a_gap);
    suite_test(s, a_log_that_went_round_without_loss_goes_on);
    suite_test(s, a_cleared_log_that_begins_anew_is_a_replaced_file);
    suite_test(s, another_log_with_the_same_record_ids_is_a_replaced_file);
    suite_test(s, a_damaged_record_is_a_gap_with_its_number_and_the_rest_is_read);
    suite_test(s, a_damaged_end_is_told_when_the_file_rests_and_only_once);
    suite_test(s, a_log_that_is_being_copied_is_read_as_it_comes);
    suite_test(s, a_record_that_was_torn_is_read_when_it_is_whole);
    suite_test(s, a_chunk_without_a_readable_header_is_a_gap_once);
    suite_test(s, a_filtered_export_has_holes_that_are_no_gaps);
    suite_test(s, a_damaged_record_of_a_filtered_export_is_told_once);
    suite_test(s, a_log_cut_anywhere_gives_what_is_whole_and_never_hangs);
    suite_test(s, bytes_turned_at_random_never_harm);
    suite_test(s, a_log_with_too_many_damaged_records_is_given_up);
    suite_test(s, what_is_no_evtx_file_is_said_to_be_none);
    suite_test(s, an_absent_or_empty_file_is_waited_for);
    suite_test(s, a_mark_of_another_kind_is_refused);
    suite_test(s, the_real_log_gives_its_12_retried_requests_and_tells_its_damaged_record);
}

int main(void)
{
    return suite_main("collectors: .evtx files", add);
}
