/* What one line of an ESXi log says (hyperv.md part G).
 *
 * Lines are bytes that a guest may have had a hand in (names of VMs and
 * folders): nothing but the shapes below is taken, and every text goes through
 * the observation's cleaning.
 */
#ifndef COLLECTORS_ESXI_RULES_H
#define COLLECTORS_ESXI_RULES_H

#include "collectors/crash_registers.h"
#include "collectors/esxi_log.h"
#include "model/identity.h"
#include "model/observation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ESXI_THREAD_MAX = 24, ESXI_VM_NAME_MAX = 256 };

/* A line without its end.  Not NUL-ended. */
struct esxi_line {
    const char *text;
    size_t len;
};

/* Where the word begins in the line; NULL when it is not there. */
const char *esxi_find(struct esxi_line line, const char *word);

/* The time at the start of a line: "2017-02-25T18:19:29.783Z" and nothing
 * else, followed by a blank, a colon or a bar.  False: there is none. */
bool esxi_line_time(struct esxi_line line, int64_t *time_ns);

enum esxi_taken {
    ESXI_NOT_OURS,   /* nobody's business */
    ESXI_TAKEN,      /* an observation was added */
    ESXI_UNREADABLE, /* of a watched shape, but without a time or a number that can be read; *why says what */
};

/* Takes a line of hostd.log, vmkernel.log or vobd.log. */
enum esxi_taken esxi_take_line(enum esxi_log log, struct esxi_line line, int64_t observed_ns, struct obs_batch *batch,
                               const char **why);

/* A guest's write to a crash register, as vmware.log tells it. */
struct esxi_crash_line {
    int reg; /* 0..4: MSR 0x40000100 to 0x40000104 */
    uint64_t value;
    int64_t time_ns;
    char thread[ESXI_THREAD_MAX]; /* "vcpu-0" */
};
enum esxi_taken esxi_crash_line(struct esxi_line line, struct esxi_crash_line *out, const char **why);

/* Whose vmware.log it is (esxi_vm.h). */
struct esxi_vm {
    char vm_id[GUID_TEXT_MAX];
    char name[ESXI_VM_NAME_MAX];
    bool derived; /* vm_id is made from host and folder: the log does not tell the VM's uuid */
};

/* The crash whose registers were found; found: a bit for each, the first (the code) always. */
void esxi_put_crash(const struct esxi_vm *vm, const uint64_t registers[CRASH_REGISTERS], unsigned found,
                    int64_t time_ns, int64_t observed_ns, struct obs_batch *batch);

#endif
