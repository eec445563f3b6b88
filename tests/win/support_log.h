/* The stand-in event log (tests/winhost/wevtapi) seen from a test: a host with logs,
 * orders that make trouble, and a reader that keeps what a stream gives it. */
#ifndef TESTS_WIN_SUPPORT_LOG_H
#define TESTS_WIN_SUPPORT_LOG_H

#include "base/buf.h"
#include "plat/event_stream.h"

#include <stdbool.h>

#define WORKER "Microsoft-Windows-Hyper-V-Worker-Admin"

enum { RECORDS_MAX = 2000, GAPS_MAX = 8, LOG_TEXT_MAX = 512 };

/* Over the system's own event log these tests would say nothing: whether the stand-in is
 * loaded, and what main() ends with when it is not. */
bool has_stand_in(void);
int skip_without_stand_in(const char *program);

/* ---- a host: a folder of its own, and its events/ ---- */

extern char host[], events[];

void new_host(void);
/* Records from..to of a channel as the whole text of a file in the folder; year tells
 * one log of the same numbers from another. */
void put_log_in(const char *dir, const char *file, const char *channel, const char *provider, int from, int to,
                int year);
void put_log(const char *file, const char *channel, const char *provider, int from, int to, int year);
void put_worker(int from, int to);
/* The orders of tests/winhost/wevtapi/host.h from now on. */
void order(const char *text);

/* ---- the reader ---- */

extern struct log_reader {
    int ids[RECORDS_MAX]; /* of the records it was given */
    int count;
    char last[LOG_TEXT_MAX], place[LOG_TEXT_MAX]; /* the last one's XML and place */
    char reason[GAPS_MAX][LOG_TEXT_MAX], from[GAPS_MAX][LOG_TEXT_MAX], to[GAPS_MAX][LOG_TEXT_MAX];
    int gap_count;
    struct stream_report report;
    struct buf mark;
    struct event_stream *stream;
} reader;

/* With the stream, which it closes, from an empty mark. */
void begin_with(struct event_stream *stream);
void begin(const char *channel);
void end(void);

/* Another stream over the channel, from the reader's mark; the one before is closed. */
void open_stream(const char *channel, void (*signalled)(void *arg), void *arg);
void close_stream(void);
void forget(void);
void read_once(int max_events);
void read_all(void);
void on_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail);

void assert_took(int from, int to);
void assert_gap(const char *reason, const char *from, const char *to);

#endif
