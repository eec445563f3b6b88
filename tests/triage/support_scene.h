/* A few blocks of guest memory and a struct dump over them, for the tests that look at one part of the
 * library without a whole dump file around it. */
#ifndef TESTS_TRIAGE_SUPPORT_SCENE_H
#define TESTS_TRIAGE_SUPPORT_SCENE_H

#include "triage/dump.h"

enum { SCENE_FILE = 1 << 20, SCENE_DRIVERS = 8 };

struct scene {
    struct dump d;
    struct triage_verdict verdict;
    struct triage_driver drivers[SCENE_DRIVERS];
    struct arena arena;
    struct triage_limits limits;
    struct triage_memory memory;
    struct triage_reader reader;
    unsigned char *file;
    size_t used;
};

/* An empty guest; the build is that of the header.  Lives until scene_end(). */
struct scene *scene_new(enum dump_arch arch, uint32_t build);
void scene_end(struct scene *s);

/* len zeroed bytes at va, to be written to until scene_ready(). */
unsigned char *scene_map(struct scene *s, uint64_t va, size_t len);
/* A driver of the list. */
struct triage_driver *scene_driver(struct scene *s, const char *name, uint64_t base, uint32_t size);

/* A PE image of that many bytes at base; its optional header is of 64 bits or 32. */
unsigned char *scene_image(struct scene *s, uint64_t base, uint32_t size, bool is64);
/* Entry i of the directories of such an image. */
void scene_directory(unsigned char *image, size_t i, uint32_t rva, uint32_t size);

/* What was mapped and written can be read from now on; may be called again after more of it. */
struct dump *scene_ready(struct scene *s);

/* Whether a note of the verdict is this sentence. */
bool scene_noted(const struct scene *s, const char *note);

#endif
