/* A file system in memory, and a clock that moves when told. */
#ifndef TESTS_COLLECTORS_SUPPORT_FAKE_FILES_H
#define TESTS_COLLECTORS_SUPPORT_FAKE_FILES_H

#include "plat/clock.h"
#include "plat/files.h"

#include <stdbool.h>

enum { FAKE_FILES_MAX = 4096 };

struct fake_file {
    char path[256];
    const void *bytes; /* the caller's */
    struct file_info info;
    bool gone;
    int open_rc, info_rc, read_rc, writer_rc, list_rc;
    int opened;                           /* how often */
    void (*on_open)(struct fake_file *f); /* called after counting; NULL none */
};

struct fake_files {
    struct files files;
    struct fake_file list[FAKE_FILES_MAX];
    int count;
    uint64_t next_id;
};

void fake_files_init(struct fake_files *f);
struct fake_file *fake_folder(struct fake_files *f, const char *path);
struct fake_file *fake_file(struct fake_files *f, const char *path, const void *bytes, size_t len, int64_t mtime_ns);

struct fake_clock {
    struct clock clock;
    int64_t ns;   /* monotonic */
    int64_t step; /* added at each look */
};
void fake_clock_init(struct fake_clock *c);

#endif
