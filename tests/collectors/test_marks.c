/* The marks of KVP and of dumps: what was written is read again, and what is damaged is the beginning. */
#include "base/times.h"
#include "collectors/dumps_known.h"
#include "collectors/kvp_state.h"
#include "collectors/mark_bytes.h"
#include "collectors/source.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_A "AAAAAAAA-0000-4000-8000-000000000001"
#define HEAD "kvp/1 at=- all=0 full=5 problems=0x1 digest=0x2 "

static struct buf mark;
static struct err why;

static void setup(void)
{
    buf_init(&mark, 4 * SOURCE_MARK_MAX);
}

/* ---- KVP -------------------------------------------------------------------- */

/* "vms=N " and entries whose first byte is that of first, and one more each. */
static const char *kvp_mark(const char *head, size_t count, int first, int step, const char *end)
{
    buf_clear(&mark);
    buf_printf(&mark, "%svms=%zu ", head, count);
    for (size_t i = 0; i < count && i < 4; i++) {
        unsigned char entry[24] = { (unsigned char)(first + (int)i * step) };

        mark_put_bytes(&mark, entry, sizeof entry);
    }
    buf_str(&mark, end);
    return buf_text(&mark);
}

static bool kvp_reads(const char *text)
{
    struct kvp_state s;
    bool good;

    kvp_state_init(&s);
    ck_assert_int_eq(kvp_state_read(&s, text, &why), 0);
    good = s.full_ns == 5;
    ck_assert(good || (s.count == 0 && s.full_ns == 0 && s.at[0] == '\0' && s.stream.len == 0));
    ck_assert_uint_ge(s.cap, 1);
    kvp_state_free(&s);
    return good;
}

START_TEST(a_mark_of_kvp_that_is_damaged_anywhere_is_the_beginning)
{
    static const char *const damaged[] = {
        "",
        "kvp/2 at=- all=0 full=5 problems=0x1 digest=0x2 vms=- stream=0 ",
        "kvp/1 at- all=0 full=5 problems=0x1 digest=0x2 vms=- stream=0 ",
        "kvp/1 at=nobody all=0 full=5 problems=0x1 digest=0x2 vms=- stream=0 ",
        "kvp/1 at=" ID_A "A all=0 full=5 problems=0x1 digest=0x2 vms=- stream=0 ",
        "kvp/1 at=- all=x full=5 problems=0x1 digest=0x2 vms=- stream=0 ",
        "kvp/1 at=- all=0 full=0x8000000000000000 problems=0x1 digest=0x2 vms=- stream=0 ",
        "kvp/1 at=- all=0 full=5 problems=1111111111111111111111111111111111 digest=0x2 vms=- stream=0 ",
        "kvp/1 at=- all=0 full=5 problems=0x1 digest= vms=- stream=0 ",
        HEAD "vm=- stream=0 ",
        HEAD "vms=x stream=0 ",
        HEAD "vms=100001 stream=0 ",
        HEAD "vms=100000 stream=0 ",
        HEAD "vms=- stream=1 ",
        HEAD "vms=- stream=0 x",
        HEAD "vms=- strom=0 ",
    };

    setup();
    ck_assert(kvp_reads(HEAD "vms=- stream=0 "));
    ck_assert(kvp_reads(HEAD "vms=- stream=3 abc"));
    ck_assert(kvp_reads("kvp/1 at=" ID_A " all=1 full=5 problems=0x1 digest=0x2 vms=- stream=0 "));
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++)
        ck_assert_msg(!kvp_reads(damaged[i]), "believed: %s", damaged[i]);
    ck_assert(kvp_reads(kvp_mark(HEAD, 3, 1, 1, " stream=0 ")));
    ck_assert(kvp_reads(kvp_mark(HEAD, 3, 1, 1, "stream=0 ")));    /* the blank was never asked for */
    ck_assert(!kvp_reads(kvp_mark(HEAD, 3, 9, -1, " stream=0 "))); /* not in their order */
    ck_assert(!kvp_reads(kvp_mark(HEAD, 3, 1, 0, " stream=0 ")));  /* one twice */
    ck_assert(!kvp_reads(kvp_mark(HEAD, 6, 1, 1, " stream=0 ")));  /* cut */
    buf_free(&mark);
}
END_TEST

static void put_stream(size_t len)
{
    buf_clear(&mark);
    buf_printf(&mark, HEAD "vms=- stream=%zu ", len);
    for (size_t i = 0; i < len; i++)
        buf_char(&mark, 's');
}

START_TEST(a_streams_mark_of_more_than_its_bound_is_not_believed)
{
    setup();
    put_stream(KVP_STREAM_MARK_MAX);
    ck_assert(kvp_reads(buf_text(&mark)));
    put_stream(KVP_STREAM_MARK_MAX + 1);
    ck_assert(!kvp_reads(buf_text(&mark)));
    buf_free(&mark);
}
END_TEST

static void know(struct kvp_state *s, size_t count)
{
    ck_assert_int_eq(kvp_state_reserve(s, count, &why), 0);
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        s->known[i] = (struct kvp_known){ .told = true, .hash = i, .vm = -1 };
        s->known[i].id[0] = (unsigned char)(i >> 8);
        s->known[i].id[1] = (unsigned char)i;
    }
}

START_TEST(a_list_too_long_for_a_mark_leaves_its_digest)
{
    struct kvp_state s, read;
    uint64_t digest;

    setup();
    kvp_state_init(&s);
    kvp_state_init(&read);
    know(&s, 3000);
    s.full_ns = 5;
    digest = kvp_state_digest(&s);
    ck_assert_int_eq(kvp_state_write(&s, &mark, &why), 0);
    ck_assert_uint_le(mark.len, SOURCE_MARK_MAX);
    ck_assert_int_eq(kvp_state_read(&read, buf_text(&mark), &why), 0);
    ck_assert(read.digest_only);
    ck_assert_uint_eq(read.count, 0);
    ck_assert_uint_eq(read.digest, digest);
    /* Written again before anything was learned, it is the same mark. */
    ck_assert_int_eq(kvp_state_write(&read, &mark, &why), 0);
    ck_assert_int_eq(kvp_state_read(&s, buf_text(&mark), &why), 0);
    ck_assert_uint_eq(s.digest, digest);
    kvp_state_free(&s);
    kvp_state_free(&read);
    buf_free(&mark);
}
END_TEST

START_TEST(a_mark_that_does_not_fit_its_buffer_is_an_error)
{
    struct kvp_state s;
    struct buf narrow;

    kvp_state_init(&s);
    know(&s, 3);
    buf_init(&narrow, 100);
    ck_assert_int_eq(kvp_state_write(&s, &narrow, &why), ERR_TOO_BIG);
    ck_assert_str_eq(why.text, "the mark does not fit into 100 bytes");
    buf_free(&narrow);
    kvp_state_free(&s);
}
END_TEST

/* ---- dumps --------------------------------------------------------------------- */

static struct dumps_known known;

static struct file_info info_of(uint64_t id, int64_t mtime_s)
{
    return (struct file_info){ .id = { 1, id }, .size = 100, .mtime_ns = mtime_s * NS_PER_S };
}

static void put_dump(uint64_t id, int64_t mtime_s, uint64_t dump, enum dumps_verdict verdict)
{
    const struct file_info info = info_of(id, mtime_s);

    dumps_known_add(&known, &info, dump, verdict);
}

static bool knows(uint64_t id, int64_t mtime_s)
{
    const struct file_info info = info_of(id, mtime_s);

    return dumps_known_file(&known, dumps_file_key(&info)) != NULL;
}

START_TEST(dumps_are_known_again_from_their_mark)
{
    setup();
    ck_assert_int_eq(dumps_known_init(&known, &why), 0);
    put_dump(1, 1000, 11, DUMPS_OK);
    put_dump(2, 0, 22, DUMPS_EMPTY);
    put_dump(3, -5, 33, DUMPS_READING_AGAIN); /* a file of before 1970 */
    dumps_known_write(&known, &mark);
    known.count = 0;
    dumps_known_read(&known, buf_text(&mark));
    ck_assert_uint_eq(known.count, 3);
    ck_assert_int_eq(known.before_s, -1);
    ck_assert(knows(1, 1000) && knows(2, 0) && knows(3, -5));
    ck_assert(!knows(1, 1001));
    ck_assert(dumps_known_dump(&known, 11, DUMPS_OK));
    ck_assert(dumps_known_dump(&known, 11, DUMPS_CORRUPT)); /* told as complete is told for all */
    ck_assert(dumps_known_dump(&known, 22, DUMPS_EMPTY));
    ck_assert(!dumps_known_dump(&known, 22, DUMPS_CORRUPT));
    ck_assert(!dumps_known_dump(&known, 44, DUMPS_OK));
    dumps_known_free(&known);
    buf_free(&mark);
}
END_TEST

/* n entries, of which the k-th is of that file and verdict. */
static const char *dumps_mark(const char *head, const uint64_t *files, int count, uint64_t verdict)
{
    buf_clear(&mark);
    buf_str(&mark, head);
    for (int i = 0; i < count; i++) {
        unsigned char entry[24] = { 0 };

        mark_put_u64(entry, files[i]);
        mark_put_u64(entry + 16, verdict << 56);
        mark_put_bytes(&mark, entry, sizeof entry);
    }
    return buf_text(&mark);
}

START_TEST(a_mark_of_dumps_that_is_damaged_anywhere_is_the_beginning)
{
    static const uint64_t files[] = { 5, 6, 6 }, backwards[] = { 6, 5 };
    const struct {
        const char *head;
        const uint64_t *files;
        int count;
        uint64_t verdict;
        bool good;
    } marks[] = {
        { "dumps/1 before=7 n=2 ", files, 2, DUMPS_VERDICT_COUNT - 1, true },
        { "dumps/1 before=7 n=0 ", files, 0, 0, true },
        { "", files, 0, 0, false },
        { "dumps/2 before=7 n=2 ", files, 2, 0, false },
        { "dumps/1 before=7", files, 0, 0, false },
        { "dumps/1 before=7 n=2001 ", files, 2, 0, false },
        { "dumps/1 before=7 n=3 ", files, 2, 0, false },     /* cut */
        { "dumps/1 before=7 n=3 ", files, 3, 0, false },     /* one twice */
        { "dumps/1 before=7 n=2 ", backwards, 2, 0, false }, /* not in their order */
        { "dumps/1 before=7 n=2 ", files, 2, DUMPS_VERDICT_COUNT, false },
    };

    setup();
    ck_assert_int_eq(dumps_known_init(&known, &why), 0);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        dumps_known_read(&known, dumps_mark(marks[i].head, marks[i].files, marks[i].count, marks[i].verdict));
        ck_assert_msg((known.before_s == 7) == marks[i].good, "mark %zu: %s", i, buf_text(&mark));
        ck_assert_uint_eq(known.count, marks[i].good ? (size_t)marks[i].count : 0);
    }
    dumps_known_free(&known);
    buf_free(&mark);
}
END_TEST

START_TEST(files_that_are_gone_make_room_first_and_then_the_oldest)
{
    const struct file_info old = info_of(99, 10);

    ck_assert_int_eq(dumps_known_init(&known, &why), 0);
    for (uint64_t i = 0; i < DUMPS_KNOWN_MAX; i++)
        put_dump(i, 1000 + (int64_t)i, i, DUMPS_OK);
    for (size_t i = 0; i < known.count; i++)
        known.list[i].seen = known.list[i].dump != 1500;
    put_dump(5000, 20, 1, DUMPS_OK);
    ck_assert_uint_eq(known.count, DUMPS_KNOWN_MAX);
    ck_assert(!knows(1500, 2500));
    ck_assert_int_eq(known.before_s, -1); /* what is gone need not be remembered */
    put_dump(5001, 3000, 1, DUMPS_OK);
    ck_assert(!knows(5000, 20));
    ck_assert_int_eq(known.before_s, 20);
    ck_assert(dumps_known_forgotten(&known, &old));
    known.before_s = 4000; /* from an earlier run; it does not go back */
    put_dump(5002, 3001, 1, DUMPS_OK);
    ck_assert(!knows(0, 1000));
    ck_assert_int_eq(known.before_s, 4000);
    dumps_known_free(&known);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_mark_of_kvp_that_is_damaged_anywhere_is_the_beginning);
    suite_test(s, a_streams_mark_of_more_than_its_bound_is_not_believed);
    suite_test(s, a_list_too_long_for_a_mark_leaves_its_digest);
    suite_test(s, a_mark_that_does_not_fit_its_buffer_is_an_error);
    suite_test(s, dumps_are_known_again_from_their_mark);
    suite_test(s, a_mark_of_dumps_that_is_damaged_anywhere_is_the_beginning);
    suite_test(s, files_that_are_gone_make_room_first_and_then_the_oldest);
}

int main(void)
{
    return suite_main("collectors: marks", add);
}
