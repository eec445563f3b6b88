/* CIM XML of how made-up virtual machines are set up, and a WMI stream over it. */
#ifndef TESTS_COLLECTORS_SUPPORT_SETUP_H
#define TESTS_COLLECTORS_SUPPORT_SETUP_H

#include "base/buf.h"
#include "plat/wmi_stream.h"

enum { SETUP_TEXTS = 7 };

/* One text a class, as in wmi_captured_setup_classes. */
struct setup_texts {
    struct buf text[SETUP_TEXTS];
};

void setup_texts_init(struct setup_texts *t);
void setup_texts_clear(struct setup_texts *t);
void setup_texts_free(struct setup_texts *t);
struct buf *setup_text(struct setup_texts *t, const char *class_name);

/* One instance: pairs of name and value, NULL-ended. */
void put_instance(struct buf *b, const char *class_name, const char *const *pairs);

/* The parts of VM n (vm_guid()); what ends in _of takes any owner's GUID. */
void put_vm(struct setup_texts *t, unsigned n, const char *name, int generation);
void put_checkpoint(struct setup_texts *t, unsigned n, unsigned checkpoint);
void put_memory_of(struct setup_texts *t, const char *owner, bool dynamic, int startup, int minimum, int maximum);
void put_processors_of(struct setup_texts *t, const char *owner, int count);
void put_usage(struct setup_texts *t, unsigned n, int assigned, int available, int buffer);
/* A controller ("IDE" or "SCSI") with its number. */
void put_controller_of(struct setup_texts *t, const char *owner, const char *kind, int number);
/* A drive and the disk in it. */
void put_disk_of(struct setup_texts *t, const char *owner, const char *kind, int number, int location,
                 const char *path);
void put_physical_of(struct setup_texts *t, const char *owner, const char *kind, int number, int location);
void put_file(struct setup_texts *t, const char *path, int type, int format, const char *size);

/* A VM of generation 1 with dynamic memory, an IDE and a SCSI disk. */
void put_whole_vm(struct setup_texts *t, unsigned n, const char *name);

/* Answers every poll with the texts it holds. */
struct fake_setup {
    struct wmi_stream base;
    struct setup_texts texts;
    bool answered, complete;
    int64_t time_ns;
    int polls;
    bool closed;
};

void fake_setup_init(struct fake_setup *f);
void fake_setup_free(struct fake_setup *f);

#endif
