/* What ends the reading early: its bounds, and files that shrink or become unreadable. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <stdlib.h>
#include <string.h>

static const struct triage_finding *finding(const struct triage_verdict *v, const char *rule)
{
    for (size_t i = 0; i < v->finding_count; i++)
        if (strcmp(v->findings[i].rule, rule) == 0)
            return &v->findings[i];
    return NULL;
}

static void check_finding(const struct triage_verdict *v, const char *rule, uint64_t offset, const char *text)
{
    const struct triage_finding *f = finding(v, rule);

    ck_assert_msg(f != NULL, "no finding of %s; status: %s", rule, v->status_text);
    ck_assert_str_eq(f->text, text);
    ck_assert_uint_eq(f->offset, offset);
}

static struct bytes a_minidump(void)
{
    static const struct mini_driver drivers[] = { { "acme.sys", UINT64_C(0xFFFFF88005000000), 0x10000 } };
    static uint64_t stack[1024];
    struct mini m = { .drivers = drivers,
                      .driver_count = 1,
                      .stack_va = UINT64_C(0xFFFFD00020000000),
                      .stack = stack,
                      .stack_words = 1024,
                      .code = 0xD1,
                      .params = { 0x28, 2, 0, UINT64_C(0xFFFFF88005001234) } };

    return mini_make(&m);
}

START_TEST(the_budget_that_was_used_up_is_said)
{
    struct bytes b = a_minidump();
    struct triage_memory m = { b.p, b.len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.read_max = 2 * 4096;
    ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
    check_finding(v, "limits", 0, "reading was ended after 8192 bytes, the bound that was set");
    triage_verdict_free(v);
}
END_TEST

/* A file that is shorter, or gone, when it is read again. */
struct shrinking {
    struct bytes b;
    int reads_good;
    bool gone;
};

static int shrinking_read(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e)
{
    struct shrinking *f = arg;
    size_t n = offset < f->b.len ? f->b.len - (size_t)offset : 0;

    *got = n < len ? n : len;
    if (f->reads_good-- <= 0) {
        *got = 0;
        return f->gone ? err_set(e, ERR_IO, "the share is gone") : 0;
    }
    memcpy(buf, f->b.p + offset, *got);
    return 0;
}

START_TEST(a_file_that_becomes_unreadable_gives_what_was_read_and_the_reason)
{
    struct shrinking f = { a_minidump(), 5, true };
    struct triage_reader r = { .read = shrinking_read, .arg = &f, .size = f.b.len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;

    triage_limits_default(&limits);
    ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
    ck_assert_uint_eq(v->header.code, 0xD1);
    ck_assert_int_eq(v->status, TRIAGE_TRUNCATED);
    ck_assert_str_eq(v->status_text, "the file became unreadable while it was read");
    check_finding(v, "read", 0, "the share is gone");
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_file_may_end_after_any_read)
{
    for (int good = 3; good < 12; good++) { /* the header, the part behind it and its end mark are three */
        struct shrinking f = { a_minidump(), good, false };
        struct triage_reader r = { .read = shrinking_read, .arg = &f, .size = f.b.len };
        struct triage_verdict *v = NULL;
        struct triage_limits limits;

        triage_limits_default(&limits);
        ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
        ck_assert_uint_eq(v->header.code, 0xD1);
        ck_assert_str_ne(v->culprit.evidence, "");
        triage_verdict_free(v);
    }
}
END_TEST

START_TEST(with_little_memory_there_is_an_error_and_with_enough_a_verdict)
{
    struct bytes b = a_minidump();
    bool fitted = false;

    for (size_t max = 16; max < 64 * 1024 && !fitted; max += 16) {
        struct triage_memory m = { b.p, b.len };
        struct triage_verdict *v = NULL;
        struct triage_limits limits;
        struct triage_reader r;
        struct err e = { 0 };
        int rc;

        triage_reader_memory(&r, &m);
        triage_limits_default(&limits);
        limits.memory_max = max;
        rc = triage_file(&r, &limits, &v, &e);
        fitted = rc == 0;
        ck_assert_int_eq(v != NULL, fitted);
        if (fitted) {
            ck_assert_str_eq(v->culprit.name, "acme.sys");
        } else {
            ck_assert_int_eq(rc, ERR_TOO_BIG);
            ck_assert_ptr_nonnull(strstr(e.text, "what the dump lists does not fit in "));
        }
        triage_verdict_free(v);
    }
    ck_assert(fitted);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_budget_that_was_used_up_is_said);
    suite_test(s, a_file_that_becomes_unreadable_gives_what_was_read_and_the_reason);
    suite_test(s, a_file_may_end_after_any_read);
    suite_test(s, with_little_memory_there_is_an_error_and_with_enough_a_verdict);
}

int main(void)
{
    return suite_main("triage: bounds", add);
}
