/* What an EVT_HANDLE of the stand-in points to. */
#ifndef TESTS_WINHOST_WEVTAPI_HANDLES_H
#define TESTS_WINHOST_WEVTAPI_HANDLES_H

#include "tests/winhost/wevtapi/host.h"

#include <assert.h>
#include <winevt.h>

enum handle_kind { KIND_ENUM, KIND_LOG, KIND_RESULT, KIND_SUBSCRIPTION, KIND_RECORD, KIND_BOOKMARK, KIND_CONTEXT };

enum { HANDLE_MAGIC = 0x48564556, CONTEXT_PATHS = 32 };

static_assert((int)EvtSystemPropertyIdEND <= (int)CONTEXT_PATHS, "a context has room for all values of System");

struct handle {
    uint32_t magic;
    enum handle_kind kind;
    char channel[NAME_MAX_LEN];
    char *query;                /* owned; NULL none */
    struct host_record record;  /* of a record */
    struct host_record *result; /* of a query; owned */
    size_t count, at;           /* of a query or an enumeration */
    uint64_t cursor;            /* of a subscription: the last record it passed; of a bookmark: its record */
    uint64_t created, signalled;
    bool is_strict, is_stale;
    HANDLE signal;
    struct handle *next; /* subscription */
    enum { PATH_OTHER, PATH_ID, PATH_TIME } paths[CONTEXT_PATHS];
};

/* NULL, with ERROR_INVALID_HANDLE, when it is none of that kind. */
struct handle *handle_of(EVT_HANDLE h, enum handle_kind kind);
struct handle *handle_new(enum handle_kind kind, const char *channel);
/* UTF-16 to malloc'ed UTF-8; NULL stays NULL. */
char *narrow(const wchar_t *text);
/* False, with the code as the last error, when there is one. */
BOOL refuse(DWORD code);

#endif
