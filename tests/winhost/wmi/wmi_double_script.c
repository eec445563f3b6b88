/* What goes wrong, when; see wmi_double.h. */
#include "tests/winhost/wmi/wmi_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 32, LINE_CHARS = 160 };

/* How often each line has been used so far. */
static struct {
    char line[LINE_CHARS];
    long used;
} uses[RULES_MAX];
static CRITICAL_SECTION lock;
static LONG lock_made;

static void take_lock(void)
{
    if (InterlockedCompareExchange(&lock_made, 1, 0) == 0) {
        InitializeCriticalSection(&lock);
        InterlockedExchange(&lock_made, 2);
    }
    while (InterlockedCompareExchange(&lock_made, 2, 2) != 2)
        Sleep(1);
    EnterCriticalSection(&lock);
}

static long *uses_of(const char *line)
{
    int i = 0;

    while (i < RULES_MAX - 1 && uses[i].line[0] != '\0' && strcmp(uses[i].line, line) != 0)
        i++;
    if (strcmp(uses[i].line, line) != 0) {
        snprintf(uses[i].line, sizeof uses[i].line, "%s", line);
        uses[i].used = 0;
    }
    return &uses[i].used;
}

/* True when the line is a rule for `where` and not used up. */
static bool applies(const char *line, const char *where, char what[LINE_CHARS])
{
    char place[LINE_CHARS];
    long times = -1, *used;

    if (sscanf(line, "%159s %159s %ld", place, what, &times) < 2 || strcmp(place, where) != 0)
        return false;
    used = uses_of(line);
    if (times >= 0 && *used >= times)
        return false;
    ++*used;
    return true;
}

HRESULT script_obey(const char *where, bool *empty, bool *late)
{
    char dir[PATH_CHARS], path[PATH_CHARS + 16], line[LINE_CHARS], what[LINE_CHARS];
    HRESULT hr = S_OK;
    DWORD sleep_ms = 0;
    FILE *f;

    host_dir(dir);
    snprintf(path, sizeof path, "%s/wmi.txt", dir);
    take_lock();
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (!applies(line, where, what))
            continue;
        if (strncmp(what, "hr:", 3) == 0)
            hr = (HRESULT)strtoul(what + 3, NULL, 0);
        else if (strncmp(what, "sleep:", 6) == 0)
            sleep_ms = (DWORD)strtoul(what + 6, NULL, 10);
        if (empty != NULL && strcmp(what, "empty") == 0)
            *empty = true;
        if (late != NULL && strcmp(what, "late") == 0)
            *late = true;
    }
    if (f != NULL)
        fclose(f);
    LeaveCriticalSection(&lock);
    if (sleep_ms > 0)
        Sleep(sleep_ms);
    return hr;
}
