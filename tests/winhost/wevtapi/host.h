/* A stand-in for wevtapi.dll: the event log of a host that is a bundle.
 *
 * HVFLEET_WINHOST names a folder.  Every <Event> in the .xml files (UTF-8) of its
 * events/ is a record of the channel its Channel element names, with the number of
 * its EventRecordID. The files are looked at again whenever a program asks, and a
 * few times a second for the signals of subscriptions: a file that grows is a log
 * that grows.
 *
 * Its behaviour is the documented one (Microsoft's pages on EvtSubscribe, EvtNext,
 * EvtRender, EVT_SUBSCRIBE_FLAGS and the system error codes): pull subscriptions,
 * strict bookmarks, a signal that is set when there is something new,
 * ERROR_EVT_QUERY_RESULT_STALE after a log was cleared, RPC_S_INVALID_BOUND with
 * the cursor moved.  What is not documented is guessed; a real service may differ.
 *
 * <folder>/wevtapi.txt, read again when it changes, makes trouble; one order a
 * line:
 *
 *   exists channel=NAME                a channel without records
 *   hide channel=NAME                  as if it were not there
 *   oldest channel=NAME id=N           records below N are overwritten
 *   created channel=NAME at=FILETIME   creation time of the log's file: another one is a cleared log
 *   limit bytes=N                      what one EvtNext may carry, in bytes of UTF-16
 *   fail call=EvtNext code=N times=N after=N channel=NAME
 *   hang call=EvtNext ms=N times=N after=N channel=NAME
 *
 * times (1) calls after the first `after` (0) fail; channel may be left out.  The
 * counts begin anew when the file changes, and calls that hang go on.
 *
 * Messages and publishers' metadata do not exist here.
 */
#ifndef TESTS_WINHOST_WEVTAPI_HOST_H
#define TESTS_WINHOST_WEVTAPI_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <windows.h>

enum { NAME_MAX_LEN = 256, CHANNELS_MAX = 64 };

struct host_record {
    uint64_t id, time; /* FILETIME */
    uint32_t event_id, level;
    char provider[NAME_MAX_LEN], channel[NAME_MAX_LEN];
    char *xml; /* UTF-8, NUL-ended; owned */
};

struct host_channel {
    char name[NAME_MAX_LEN];
    struct host_record *records; /* by id, from the oldest that is not overwritten; owned */
    size_t count;
    uint64_t oldest, newest; /* newest is oldest-1 when there are none */
    uint64_t created;
};

/* Exported: by its presence a test knows that this is not the system's DLL. */
bool winhost_is_stand_in(void);

/* ---- log.c; the caller holds the host's lock ---- */

void host_lock(void);
void host_unlock(void);
/* Looks at the folder and reads what has changed. */
void host_refresh(void);
struct host_channel *host_channel(const char *name); /* NULL none */
struct host_channel *host_channel_at(size_t i);      /* NULL past the last */
/* Copies; false out of memory. */
bool host_record_copy(struct host_record *to, const struct host_record *from);
void host_record_free(struct host_record *r);
/* Splits a text of events; *records is the caller's to free, each with its text. */
size_t host_split(const char *text, struct host_record **records);
char *host_read_file(const char *path);

/* ---- script.c ---- */

/* True when it has changed. */
bool script_refresh(const char *dir);
bool script_number(const char *order, const char *channel, const char *key, uint64_t *out);
/* Name of the i-th channel that an order of that kind names; NULL past the last. */
const char *script_channel(const char *order, size_t i);
/* Looks at the folder, but for calls that are made for every record.  What this
 * call is to do instead: an error code (0 none); sleeps for a hang. Not with the
 * lock held. */
DWORD script_trouble(const char *call, const char *channel);

/* ---- query.c ---- */

/* Does the query (XPath or structured; NULL and "*" are all) take the record?
 * *code is an error for a query that can not be understood. */
bool query_takes(const char *query, const struct host_record *record, DWORD *code);
/* The channel a structured query names; false when it is none. */
bool query_channel(const char *query, char channel[NAME_MAX_LEN]);

#endif
