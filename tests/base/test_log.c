/* The program's messages: their shape, their levels, and the limit on floods. */
#include "base/log.h"
#include "base/text.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct heard {
    int lines;
    enum log_level level;
    char last[LOG_LINE_MAX * 2];
    long long held_back; /* summed over all lines */
};

static void hear(enum log_level level, const char *line, void *arg)
{
    struct heard *h = arg;
    const char *held = strstr(line, " held_back=");

    h->lines++;
    h->level = level;
    snprintf(h->last, sizeof h->last, "%s", line);
    if (held != NULL)
        h->held_back += atoll(held + strlen(" held_back="));
}

static void start(struct heard *h)
{
    *h = (struct heard){ 0 };
    log_set_sink(hear, h);
}

/* The most lines of one word since then: each second that has begun lets a burst through. */
static int most_since(time_t began)
{
    return LOG_BURST * (int)(time(NULL) - began + 2);
}

/* What follows the time stamp. */
static const char *after_time(const struct heard *h)
{
    const char *blank = strchr(h->last, ' ');

    ck_assert_ptr_nonnull(blank);
    return blank + 1;
}

START_TEST(a_line_is_a_time_a_level_an_event_and_pairs)
{
    struct heard h;

    start(&h);
    log_event(LOG_WARN, "source.state", LOG_S("source", "eventlog"), LOG_I("rows", -3));
    ck_assert_int_eq(h.lines, 1);
    ck_assert_int_eq(h.level, LOG_WARN);
    ck_assert_str_eq(after_time(&h), "warn source.state source=eventlog rows=-3");
    ck_assert_int_eq(h.last[4], '-');
    ck_assert_int_eq(h.last[10], 'T');
}
END_TEST

START_TEST(values_with_blanks_quotes_or_nothing_are_quoted)
{
    struct heard h;

    start(&h);
    log_event(LOG_INFO, "a", LOG_S("k", "two words"));
    ck_assert_str_eq(after_time(&h), "info a k=\"two words\"");
    log_event(LOG_INFO, "a", LOG_S("k", "say \"hi\" \\"));
    ck_assert_str_eq(after_time(&h), "info a k=\"say \\\"hi\\\" \\\\\"");
    log_event(LOG_INFO, "a", LOG_S("k", ""));
    ck_assert_str_eq(after_time(&h), "info a k=\"\"");
    log_event(LOG_INFO, "a", LOG_S("k", "x=y"));
    ck_assert_str_eq(after_time(&h), "info a k=\"x=y\"");
}
END_TEST

START_TEST(a_pair_without_a_value_is_left_out)
{
    struct heard h;

    start(&h);
    log_event(LOG_INFO, "a", LOG_S("none", NULL), LOG_I("k", INT64_MIN));
    ck_assert_str_eq(after_time(&h), "info a k=-9223372036854775808");
}
END_TEST

START_TEST(a_line_can_not_be_broken_or_coloured_from_outside)
{
    struct heard h;

    start(&h);
    log_event(LOG_INFO, "a", LOG_S("name", "vm\n2026-01-31T08:00:00Z error fake \x1B[31m\xFF"));
    ck_assert_ptr_null(strpbrk(h.last, "\n\r\x1B\xFF"));
    ck_assert_ptr_nonnull(strstr(h.last, "name=\"vm 2026"));
}
END_TEST

START_TEST(levels_below_the_threshold_are_silent)
{
    struct heard h;

    start(&h);
    log_event(LOG_DEBUG, "a", LOG_I("k", 1));
    ck_assert_int_eq(h.lines, 0);
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "a", LOG_I("k", 1));
    ck_assert_int_eq(h.lines, 1);
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "a", LOG_I("k", 1));
    ck_assert_int_eq(h.lines, 1);
}
END_TEST

START_TEST(a_flood_is_held_back_and_counted)
{
    const struct timespec pause = { .tv_sec = 1, .tv_nsec = 100000000 };
    time_t began = time(NULL);
    struct heard h;

    start(&h);
    for (int i = 0; i < 200; i++)
        log_event(LOG_INFO, "flood", LOG_I("i", i));
    ck_assert_int_ge(h.lines, LOG_BURST);
    ck_assert_int_le(h.lines, most_since(began));
    nanosleep(&pause, NULL);
    log_event(LOG_INFO, "flood", LOG_I("i", 200));
    ck_assert_int_eq(h.lines + h.held_back, 201);
}
END_TEST

START_TEST(one_event_word_does_not_silence_another)
{
    struct heard h;
    int before;

    start(&h);
    for (int i = 0; i < 200; i++)
        log_event(LOG_INFO, "flood", LOG_I("i", i));
    before = h.lines;
    log_event(LOG_INFO, "other", LOG_I("i", 1));
    ck_assert_int_eq(h.lines, before + 1);
}
END_TEST

START_TEST(more_event_words_than_places_are_still_limited_and_never_lost_from_the_count)
{
    time_t began = time(NULL);
    struct heard h;
    char word[32];

    start(&h);
    for (int i = 0; i < 300; i++) {
        snprintf(word, sizeof word, "word.%d", i);
        log_event(LOG_INFO, word, LOG_I("i", i));
    }
    ck_assert_int_le(h.lines, 63 + most_since(began));
    ck_assert_int_ge(h.lines, 63 + LOG_BURST);
}
END_TEST

START_TEST(a_long_line_is_cut_at_a_character)
{
    struct heard h;
    char value[LOG_LINE_MAX];
    char clean[LOG_LINE_MAX * 2];
    bool changed;

    start(&h);
    for (size_t i = 0; i < 4; i++) {
        memset(value, 'x', i);
        for (size_t k = i; k + 3 < sizeof value; k += 3)
            memcpy(value + k, "\xE2\x82\xAC", 4);
        log_event(LOG_INFO, "a", LOG_S("k", value), LOG_S("l", value), LOG_S("m", value));
        ck_assert_uint_le(strlen(h.last), LOG_LINE_MAX);
        ck_assert_uint_ge(strlen(h.last), LOG_LINE_MAX - 3);
        text_clean(clean, sizeof clean, h.last, strlen(h.last), &changed);
        ck_assert_int_eq(changed, false);
    }
}
END_TEST

START_TEST(what_was_held_back_is_told_on_a_long_line_too)
{
    const struct timespec pause = { .tv_sec = 1, .tv_nsec = 100000000 };
    struct heard h;
    char value[LOG_LINE_MAX];

    start(&h);
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 100; i++)
        log_event(LOG_INFO, "flood", LOG_I("i", i));
    nanosleep(&pause, NULL);
    log_event(LOG_INFO, "flood", LOG_S("a", value), LOG_S("b", value));
    ck_assert_int_eq(h.lines + h.held_back, 101);
}
END_TEST

static void *write_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++)
        log_event(LOG_INFO, "thread", LOG_S("k", "v"));
    return NULL;
}

START_TEST(lines_of_several_threads_do_not_mix)
{
    pthread_t threads[4];
    struct heard h;

    start(&h);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_ge(h.lines, LOG_BURST);
    ck_assert_int_eq(strncmp(after_time(&h), "info thread k=v", 15), 0);
}
END_TEST

START_TEST(without_a_sink_lines_go_to_standard_error)
{
    const char *path = write_file(temp_dir(), "stderr.txt", "", 0);
    int kept = dup(STDERR_FILENO);
    char *text;
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(kept, 0);
    fflush(stderr);
    ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
    log_set_sink(NULL, NULL);
    log_event(LOG_WARN, "to.stderr", LOG_S("a", "b"));
    fflush(stderr);
    ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
    close(kept);
    fclose(f);
    text = read_file(path, NULL);
    text[strcspn(text, "\r\n")] = '\0'; /* as the system ends lines */
    ck_assert_msg(strlen(text) > 19 && strcmp(text + strlen(text) - 19, " warn to.stderr a=b") == 0, "%s", text);
    free(text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, without_a_sink_lines_go_to_standard_error);
    suite_test(s, a_line_is_a_time_a_level_an_event_and_pairs);
    suite_test(s, values_with_blanks_quotes_or_nothing_are_quoted);
    suite_test(s, a_pair_without_a_value_is_left_out);
    suite_test(s, a_line_can_not_be_broken_or_coloured_from_outside);
    suite_test(s, levels_below_the_threshold_are_silent);
    suite_test(s, a_flood_is_held_back_and_counted);
    suite_test(s, one_event_word_does_not_silence_another);
    suite_test(s, more_event_words_than_places_are_still_limited_and_never_lost_from_the_count);
    suite_test(s, a_long_line_is_cut_at_a_character);
    suite_test(s, what_was_held_back_is_told_on_a_long_line_too);
    suite_test(s, lines_of_several_threads_do_not_mix);
}

int main(void)
{
    return suite_main("base: log", add);
}
