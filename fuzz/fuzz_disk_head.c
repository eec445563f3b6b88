/* Any bytes as a virtual hard disk.  The input is laid out in pieces of 4 KiB
 * where a VHDX keeps its tables, so that the fuzzer need not make megabytes;
 * what is between them reads as zeros.  The last piece is the file's end, where
 * a VHD has its footer. */
#include "collectors/disk_head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE = 4096, PIECES = 6, FILE_LEN = 3 * 1024 * 1024 };

static const uint64_t places[PIECES] = {
    0, 192 * 1024, 256 * 1024, 1024 * 1024, 1024 * 1024 + 65536, FILE_LEN - PIECE
};

struct file {
    const uint8_t *data;
    size_t size;
};

static struct file open_file;

static int open_it(const struct files *f, const char *path, struct file **out, struct err *e)
{
    (void)f;
    (void)path;
    (void)e;
    *out = &open_file;
    return 0;
}

static int info(struct file *file, struct file_info *out, struct err *e)
{
    (void)e;
    *out = (struct file_info){ .is_regular = true, .size = file->size < 512 ? file->size : FILE_LEN };
    return 0;
}

static uint8_t byte_at(const struct file *file, uint64_t offset)
{
    if (file->size < 512)
        return offset < file->size ? file->data[offset] : 0;
    for (int i = 0; i < PIECES; i++) {
        size_t at = (size_t)i * PIECE + (size_t)(offset - places[i]);

        if (offset >= places[i] && offset - places[i] < PIECE)
            return at < file->size ? file->data[at] : 0;
    }
    return 0;
}

static int read_at(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    (void)e;
    if (len > PIECE || offset > FILE_LEN - len)
        abort();
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)bytes)[i] = byte_at(file, offset + i);
    *got = len;
    return 0;
}

static void close_it(struct file *file)
{
    (void)file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct files_ops ops = { .open = open_it, .info = info, .read_at = read_at, .close = close_it };
    struct files files = { .ops = &ops };
    struct disk_head h;

    open_file = (struct file){ data, size };
    if (disk_head_read(&files, "x", &h, NULL) == 0 &&
        (h.kind < DISK_FIXED || h.kind > DISK_DIFFERENCING || h.format == NULL))
        abort();
    return 0;
}
