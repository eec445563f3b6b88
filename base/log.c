/* See log.h. */
#include "base/log.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/times.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* How many lines an event word has had in the current second.  Words beyond
 * the table share its last place. */
enum { WORDS = 64, WORD_MAX = 48 };

struct word {
    char event[WORD_MAX];
    int64_t second;
    int written;
    int64_t held_back;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level threshold = LOG_INFO;
static log_sink *sink_fn;
static void *sink_arg;
static struct word words[WORDS];
static int word_count;

void log_set_level(enum log_level level)
{
    pthread_mutex_lock(&lock);
    threshold = level;
    pthread_mutex_unlock(&lock);
}

void log_set_sink(log_sink *sink, void *arg)
{
    pthread_mutex_lock(&lock);
    sink_fn = sink;
    sink_arg = arg;
    pthread_mutex_unlock(&lock);
}

static struct word *word_for(const char *event)
{
    for (int i = 0; i < word_count; i++)
        if (strncmp(words[i].event, event, WORD_MAX - 1) == 0)
            return &words[i];
    if (word_count < WORDS) {
        text_copy(words[word_count].event, WORD_MAX, event);
        return &words[word_count++];
    }
    return &words[WORDS - 1];
}

/* How many lines were held back before this one, or -1: hold this one too. */
static int64_t admit(const char *event, int64_t second)
{
    struct word *w = word_for(event);
    int64_t held;

    if (w->second != second) {
        w->second = second;
        w->written = 0;
    }
    if (w->written >= LOG_BURST) {
        w->held_back++;
        return -1;
    }
    w->written++;
    held = w->held_back;
    w->held_back = 0;
    return held;
}

static bool wants_quotes(const char *v)
{
    return *v == '\0' || strpbrk(v, " \"=") != NULL;
}

static void add_value(struct buf *line, const char *value)
{
    char clean[LOG_LINE_MAX];
    bool quote;

    text_clean(clean, sizeof clean, value, strlen(value), NULL);
    quote = wants_quotes(clean);
    if (quote)
        buf_char(line, '"');
    for (const char *p = clean; *p != '\0'; p++) {
        if (quote && (*p == '"' || *p == '\\'))
            buf_char(line, '\\');
        buf_char(line, *p);
    }
    if (quote)
        buf_char(line, '"');
}

/* Ends the line at a whole character, LOG_LINE_MAX bytes at most. */
static void cut(struct buf *line)
{
    size_t n = LOG_LINE_MAX;

    if (line->len <= n)
        return;
    while (((unsigned char)line->data[n] & 0xC0) == 0x80) /* the time before all else is ASCII */
        n--;
    line->data[n] = '\0';
}

static void write_line(enum log_level level, const char *event, const struct log_pair *pairs, int count, int64_t now,
                       int64_t held)
{
    char when[TIMES_TEXT_MAX];
    struct buf line;

    buf_init(&line, (size_t)LOG_LINE_MAX * 8);
    now -= now % NS_PER_MS;
    buf_printf(&line, "%s %s %s", times_format(now, when), level_names[level], event);
    if (held > 0)
        buf_printf(&line, " held_back=%lld", (long long)held);
    for (int i = 0; i < count; i++) {
        if (pairs[i].type == LOG_PAIR_INT)
            buf_printf(&line, " %s=%lld", pairs[i].key, (long long)pairs[i].num);
        else if (pairs[i].str != NULL) {
            buf_printf(&line, " %s=", pairs[i].key);
            add_value(&line, pairs[i].str);
        }
    }
    cut(&line);
    if (sink_fn != NULL)
        sink_fn(level, buf_text(&line), sink_arg);
    else
        fprintf(stderr, "%s\n", buf_text(&line));
    buf_free(&line);
}

void log_write(enum log_level level, const char *event, const struct log_pair *pairs, int count)
{
    struct timespec ts;
    int64_t now, held;

    clock_gettime(CLOCK_REALTIME, &ts);
    now = (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
    pthread_mutex_lock(&lock);
    if (level <= threshold) {
        held = admit(event, now / NS_PER_S);
        if (held >= 0)
            write_line(level, event, pairs, count, now, held);
    }
    pthread_mutex_unlock(&lock);
}
