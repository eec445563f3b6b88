/* See notify.h.  Names and meanings: sd_notify(3), sd_watchdog_enabled(3), sd-daemon(3) of systemd. */
#include "hub/notify.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_US   INT64_C(1000)
#define STATUS_NS   (5 * NS_PER_S)
#define WATCHDOG_US UINT64_C(86400000000) /* a longer one than a day is no watchdog */

enum { MESSAGE_MAX = 1024, STATUS_MAX = 512 };

/* ---- the socket ------------------------------------------------------------------- */

static bool find_socket(struct sockaddr_un *out, socklen_t *len)
{
    const char *path = getenv("NOTIFY_SOCKET");

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (path == NULL || (path[0] != '/' && path[0] != '@') || path[1] == '\0' ||
        !text_copy(out->sun_path, sizeof out->sun_path, path))
        return false;
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        out->sun_path[0] = '\0'; /* a name outside of the file system */
    return true;
}

static void send_lines(const char *lines)
{
    struct sockaddr_un address;
    socklen_t len;
    int fd;

    if (!find_socket(&address, &len))
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&address, len) < 0)
        log_event(LOG_DEBUG, "notify.lost");
    close(fd);
}

/* "<words>\nSTATUS=<status>": a status of several lines would be taken for more words. */
static void send_status(const char *words, const char *status)
{
    char clean[STATUS_MAX], lines[MESSAGE_MAX];

    text_clean(clean, sizeof clean, status, strlen(status), NULL);
    snprintf(lines, sizeof lines, "%s%sSTATUS=%s", words, words[0] != '\0' ? "\n" : "", clean);
    send_lines(lines);
}

/* ---- what is said -------------------------------------------------------------------- */

void notify_ready(const char *status)
{
    send_status("READY=1", status);
}

void notify_reloading(void)
{
    char words[64];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(words, sizeof words, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / NS_PER_US);
    send_status(words, "reading the settings anew");
}

void notify_stopping(void)
{
    send_status("STOPPING=1", "answering what is under way");
}

/* The watchdog's interval when it is meant for this process; 0 none. */
static int64_t watchdog_ns(void)
{
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t value = 0, of = 0;

    if (us == NULL || !text_u64(us, &value) || value == 0 || value > WATCHDOG_US)
        return 0;
    if (pid != NULL && (!text_u64(pid, &of) || of != (uint64_t)getpid()))
        return 0;
    return (int64_t)value * NS_PER_US;
}

void notify_alive(const char *status)
{
    const char *words = watchdog_ns() > 0 ? "WATCHDOG=1" : "";

    if (status != NULL)
        send_status(words, status);
    else if (words[0] != '\0')
        send_lines(words);
}

int64_t notify_period_ns(void)
{
    struct sockaddr_un address;
    socklen_t len;
    int64_t half = watchdog_ns() / 2;

    if (!find_socket(&address, &len))
        return 0;
    return half > 0 && half < STATUS_NS ? half : STATUS_NS;
}

/* ---- the journal ------------------------------------------------------------------------ */

/* Syslog's numbers, by enum log_level. */
static const int priorities[] = { 3, 4, 6, 7 };
_Static_assert(LOG_ERROR == 0 && LOG_WARN == 1 && LOG_INFO == 2 && LOG_DEBUG == 3, "order of priorities[]");

static void write_journal(enum log_level level, const char *line, void *arg)
{
    (void)arg;
    fprintf(stderr, "<%d>%s\n", priorities[level], line);
}

/* $JOURNAL_STREAM is device:inode of the stream; a stderr that was pointed elsewhere since is another. */
bool notify_use_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    if (strcmp(stream, own) != 0)
        return false;
    log_set_sink(write_journal, NULL);
    return true;
}
