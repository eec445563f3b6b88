/* See failing.h.  glibc lets a program bring its own malloc (its manual, "Replacing malloc"); what it
 * would have called itself has names beginning with __libc. */
#undef _FORTIFY_SOURCE
#include "tests/torture/failing.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is to fail; of one thread. */
struct plan {
    int64_t at, seen; /* at 0: nothing */
    int error;
    bool lasting, met;
};

static _Thread_local struct plan memory, calls;
static _Atomic int64_t blocks;

static bool fails(struct plan *p)
{
    if (p->at == 0)
        return false;
    p->seen++;
    if (p->seen != p->at && !(p->lasting && p->seen > p->at))
        return false;
    p->met = true;
    errno = p->error;
    return true;
}

void failing_memory(int64_t n, bool lasting)
{
    memory = (struct plan){ .at = n, .error = ENOMEM, .lasting = lasting };
}

void failing_calls(int64_t n, int error, bool lasting)
{
    calls = (struct plan){ .at = n, .error = error, .lasting = lasting };
}

bool failing_end(void)
{
    bool met = memory.met || calls.met;

    memory = calls = (struct plan){ 0 };
    return met;
}

int64_t failing_blocks(void)
{
    return atomic_load(&blocks);
}

/* ---- allocations -------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
bool failing_memory_works(void)
{
    return false;
}
#else
bool failing_memory_works(void)
{
    return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static void *given(void *p)
{
    if (p != NULL)
        atomic_fetch_add(&blocks, 1);
    return p;
}

void *malloc(size_t size)
{
    return fails(&memory) ? NULL : given(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails(&memory) ? NULL : given(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    void *p;

    if (fails(&memory))
        return NULL;
    p = __libc_realloc(old, size);
    if (old == NULL)
        return given(p);
    if (p == NULL && size == 0)
        atomic_fetch_sub(&blocks, 1);
    return p;
}

void *memalign(size_t alignment, size_t size)
{
    return fails(&memory) ? NULL : given(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

void free(void *p)
{
    if (p != NULL)
        atomic_fetch_sub(&blocks, 1);
    __libc_free(p);
}
#endif

/* ---- system calls ------------------------------------------------------- */

/* The C library's own, found when it is first needed. */
#define REAL(name)                 \
    static __typeof__(&name) real; \
    if (real == NULL)              \
    *(void **)(void *)&real = dlsym(RTLD_NEXT, #name)

static mode_t mode_of(int flags, va_list ap)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)                                           \
    int name(const char *path, int flags, ...)               \
    {                                                        \
        va_list ap;                                          \
        mode_t mode;                                         \
        REAL(name);                                          \
        va_start(ap, flags);                                 \
        mode = mode_of(flags, ap);                           \
        va_end(ap);                                          \
        return fails(&calls) ? -1 : real(path, flags, mode); \
    }

#define CALL(result, bad, name, parameters, arguments) \
    result name parameters                             \
    {                                                  \
        REAL(name);                                    \
        return fails(&calls) ? bad : real arguments;   \
    }

/* clang-format off */
OPEN(open)
OPEN(open64)
CALL(ssize_t, -1, read, (int fd, void *bytes, size_t len), (fd, bytes, len))
CALL(ssize_t, -1, write, (int fd, const void *bytes, size_t len), (fd, bytes, len))
CALL(ssize_t, -1, pread, (int fd, void *bytes, size_t len, off_t at), (fd, bytes, len, at))
CALL(ssize_t, -1, pread64, (int fd, void *bytes, size_t len, off64_t at), (fd, bytes, len, at))
CALL(ssize_t, -1, pwrite, (int fd, const void *bytes, size_t len, off_t at), (fd, bytes, len, at))
CALL(ssize_t, -1, pwrite64, (int fd, const void *bytes, size_t len, off64_t at), (fd, bytes, len, at))
CALL(int, -1, ftruncate, (int fd, off_t len), (fd, len))
CALL(int, -1, ftruncate64, (int fd, off64_t len), (fd, len))
CALL(int, -1, rename, (const char *from, const char *to), (from, to))
CALL(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(FILE *, NULL, fopen, (const char *path, const char *how), (path, how))
CALL(FILE *, NULL, fopen64, (const char *path, const char *how), (path, how))
CALL(DIR *, NULL, opendir, (const char *path), (path))
CALL(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, -1, connect, (int fd, const struct sockaddr *address, socklen_t len), (fd, address, len))
CALL(int, -1, accept, (int fd, struct sockaddr *address, socklen_t *len), (fd, address, len))
CALL(int, -1, accept4, (int fd, struct sockaddr *address, socklen_t *len, int flags), (fd, address, len, flags))
/* clang-format on */

int pthread_create(pthread_t *out, const pthread_attr_t *how, void *(*run)(void *), void *arg)
{
    REAL(pthread_create);
    return fails(&calls) ? calls.error : real(out, how, run, arg);
}

int fsync(int fd)
{
    (void)fd;
    return fails(&calls) ? -1 : 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}
