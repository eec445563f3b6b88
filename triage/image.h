/* PE images as they lie in the guest's memory.  Internal to the room.
 *
 * Everything is read through vmem and may be missing: a page that was paged
 * out is "not resident", never zero.  dumps.md 3.2.
 */
#ifndef TRIAGE_IMAGE_H
#define TRIAGE_IMAGE_H

#include "triage/dump.h"

enum { IMAGE_EXPORTS = 0, IMAGE_RESOURCES = 2, IMAGE_EXCEPTIONS = 3, IMAGE_DEBUG = 6, IMAGE_DIRECTORIES = 16 };

struct image_directory {
    uint32_t rva, size;
};

struct image {
    uint64_t base;
    uint32_t size, timestamp, checksum;
    bool is64;
    struct image_directory dirs[IMAGE_DIRECTORIES];
};

/* A RUNTIME_FUNCTION. */
struct image_function {
    uint32_t begin, end, unwind;
};

/* False when there is no readable PE header at base. */
bool image_open(struct vmem *vm, uint64_t base, struct image *out);

/* The file version (most significant first); *why says what was in the way. */
bool image_version(struct vmem *vm, const struct image *img, uint16_t version[4], const char **why);

/* The export at or below rva, its name in the verdict's arena; "" when there is none or it is not resident. */
const char *image_export(struct dump *d, const struct image *img, uint32_t rva, uint32_t *at);

/* The name an image gives itself: its export directory's, or its PDB's with ".sys"; "" unknown. */
const char *image_own_name(struct dump *d, const struct image *img);

/* The function that holds rva.  1 found, 0 none (a leaf), -1 the table is not resident. */
int image_function(struct vmem *vm, const struct image *img, uint32_t rva, struct image_function *out);

#endif
