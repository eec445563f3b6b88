/* Signals as service events.  See plat/service.h. */
#include "plat/service.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIG_TERM, SIG_INT, SIG_HUP, SIG_COUNT };

static const int numbers[SIG_COUNT] = { SIGTERM, SIGINT, SIGHUP };

struct service {
    uv_signal_t signals[SIG_COUNT];
    int open; /* handles not closed yet */
    struct service_events events;
    int stops;
};

int service_host(int (*body)(int argc, char **argv), int argc, char **argv)
{
    return body(argc, argv);
}

void service_pool_threads(int count)
{
    char text[16];

    snprintf(text, sizeof text, "%d", count);
    uv_os_setenv("UV_THREADPOOL_SIZE", text);
#ifdef M_ARENA_MAX
    /* glibc would give each of them a heap of its own, of which each keeps what its largest job once took. */
    mallopt(M_ARENA_MAX, 1);
#endif
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *s = handle->data;

    if (number == SIGHUP)
        s->events.reload(s->events.arg);
    else
        s->events.stop(s->events.arg, ++s->stops);
}

static void on_closed(uv_handle_t *handle)
{
    struct service *s = handle->data;

    if (--s->open == 0)
        free(s);
}

int service_start(struct service **out, uv_loop_t *loop, const struct service_events *events, struct err *e)
{
    struct service *s = calloc(1, sizeof *s);
    int rc = 0;

    *out = NULL;
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->events = *events;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SIG_COUNT; i++) {
        uv_signal_init(loop, &s->signals[i]);
        s->signals[i].data = s;
        s->open++;
        if (rc == 0)
            rc = uv_signal_start(&s->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&s->signals[i]);
    }
    if (rc != 0) {
        service_close(s);
        return err_set(e, ERR_IO, "cannot watch for signals: %s", uv_strerror(rc));
    }
    uv_os_setpriority(0, UV_PRIORITY_BELOW_NORMAL);
    *out = s;
    return 0;
}

void service_close(struct service *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < SIG_COUNT; i++)
        uv_close((uv_handle_t *)&s->signals[i], on_closed);
}

_Noreturn void service_exit_now(int status)
{
    fflush(NULL);
    _exit(status);
}
