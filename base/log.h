/* The program's own messages: one line each, to stderr.
 *
 *   2026-01-31T08:00:00.123Z warn source.state source=eventlog state=absent ...
 *
 * A line is an event word and key=value pairs; one line a change of state, not
 * one a record.  Values with blanks or quotes are quoted, control characters
 * never reach the terminal.  At most LOG_BURST lines a second for one event
 * word; what was held back is counted on the next line that passes.
 * Never log a secret: tokens, keys, passwords.
 *
 * Thread safe.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_BURST = 20, LOG_LINE_MAX = 2048 };

/* Lines above this level are not written.  The default is LOG_INFO. */
void log_set_level(enum log_level level);

/* Where a finished line (no newline) goes; NULL is stderr.  For tests and for
 * the Windows event log. */
typedef void log_sink(enum log_level level, const char *line, void *arg);
void log_set_sink(log_sink *sink, void *arg);

/* One pair.  Use the LOG_ macros below. */
struct log_pair {
    const char *key;
    enum { LOG_PAIR_STR, LOG_PAIR_INT } type;
    const char *str; /* NULL leaves the pair out */
    int64_t num;
};

#define LOG_S(k, v) ((struct log_pair){ .key = (k), .type = LOG_PAIR_STR, .str = (v) })
#define LOG_I(k, v) ((struct log_pair){ .key = (k), .type = LOG_PAIR_INT, .num = (v) })

void log_write(enum log_level level, const char *event, const struct log_pair *pairs, int count);

/* log_event(LOG_INFO, "store.opened", LOG_S("path", path), LOG_I("rows", n)); */
#define log_event(level, event, ...)                                      \
    log_write((level), (event), (const struct log_pair[]){ __VA_ARGS__ }, \
              (int)(sizeof((const struct log_pair[]){ __VA_ARGS__ }) / sizeof(struct log_pair)))

#endif
