/* Where the processor was when it went wrong.
 *
 * In this order (dumps.md 3.5, 3.9 A and B): the address a parameter names,
 * with the registers from the context or trap frame that agrees with it; a
 * context or trap frame a parameter points to; a machine frame or exception
 * context on the stack.  A frame found on the stack never overrides what a
 * parameter says.  Parameters can be all zero (KB2636573: 0xD1 in guests), so
 * the search of the stack is not a luxury.
 *
 * An address in no driver is one of three things: a driver that was unloaded,
 * a jump through a bad pointer (then the caller is what counts, stack.c and
 * blame.c), or a parameter that is no address.
 */
#include "triage/bytes.h"
#include "triage/context.h"
#include "triage/dump.h"
#include "triage/rules.h"

#include <inttypes.h>

static uint64_t param(const struct dump *d, unsigned number)
{
    return number == 0 ? 0 : d->v->header.params[number - 1];
}

static void set_fault(struct dump *d, const struct cpu *cpu, const char *how)
{
    struct stack_range s;

    d->fault_cpu = *cpu;
    d->v->has_fault = true;
    d->v->fault = dump_place(d, cpu->ip);
    d->v->fault_how = how;
    d->fault_sp_good = cpu->reg[REG_RSP] != 0 && stack_from(d, cpu->reg[REG_RSP], &s) && cpu->reg[REG_RSP] >= s.low &&
                       cpu->reg[REG_RSP] < s.high;
}

/* Registers for a known address: the context parameter, the header's own
 * context (codes with the minidump bit), the stack.  Only what agrees with the
 * address is taken. */
static bool registers_for(struct dump *d, const struct fault_rule *r, uint64_t address, struct cpu *cpu,
                          const char **how)
{
    struct stack_range s;

    *how = dump_textf(d, "context at parameter %u", r->context);
    if (r->context != 0 && context_at(d, param(d, r->context), cpu) && cpu->ip == address)
        return true;
    *how = dump_textf(d, "trap frame at parameter %u", r->trap);
    if (r->trap != 0 && trap_at(d, param(d, r->trap), cpu) && cpu->ip == address)
        return true;
    *how = dump_textf(d, "parameter %u and the context in the header", r->address);
    if (d->header_cpu.has_registers && d->header_cpu.ip == address) {
        *cpu = d->header_cpu;
        return true;
    }
    if (!stack_from(d, d->header_cpu.reg[REG_RSP], &s))
        return false;
    *how = dump_textf(d, "parameter %u and its context on the stack", r->address);
    if (context_on_stack(d, &s, address, cpu))
        return true;
    *how = dump_textf(d, "parameter %u and its trap frame on the stack", r->address);
    return trap_on_stack(d, &s, address, cpu);
}

static bool from_address(struct dump *d, const struct fault_rule *r)
{
    uint64_t address = param(d, r->address);
    struct cpu cpu = { 0 };
    const char *how;

    if (r->address == 0 || !vmem_is_kernel(&d->vm, address))
        return false;
    if (dump_driver_at(d, address) < 0 && (r->flags & (RULE_TRAP | RULE_CONTEXT | RULE_STATUS)) == 0)
        return false; /* this code's parameter need not be an address */
    if (registers_for(d, r, address, &cpu, &how)) {
        set_fault(d, &cpu, how);
    } else {
        cpu = (struct cpu){ .ip = address };
        set_fault(d, &cpu, dump_textf(d, "parameter %u", r->address));
    }
    return true;
}

static bool from_saved_state(struct dump *d, const struct fault_rule *r)
{
    struct cpu cpu;

    if (r->context != 0 && context_at(d, param(d, r->context), &cpu)) {
        set_fault(d, &cpu, dump_textf(d, "context at parameter %u", r->context));
        return true;
    }
    if (r->trap != 0 && trap_at(d, param(d, r->trap), &cpu)) {
        set_fault(d, &cpu, dump_textf(d, "trap frame at parameter %u", r->trap));
        return true;
    }
    return false;
}

static bool from_stack(struct dump *d, const struct fault_rule *r)
{
    struct stack_range s;
    struct cpu cpu;

    if ((r->flags & (RULE_TRAP | RULE_CONTEXT)) == 0 || !stack_from(d, d->header_cpu.reg[REG_RSP], &s))
        return false;
    if ((r->flags & RULE_CONTEXT) != 0 && context_on_stack(d, &s, 0, &cpu)) {
        set_fault(d, &cpu, "exception context on the stack");
        return true;
    }
    if ((r->flags & RULE_TRAP) != 0 && trap_on_stack(d, &s, 0, &cpu)) {
        set_fault(d, &cpu, "trap frame on the stack");
        return true;
    }
    return false;
}

static void say_parameters(struct dump *d, const struct fault_rule *r)
{
    const uint64_t *p = d->v->header.params;

    if (r->address != 0 && (p[0] | p[1] | p[2] | p[3]) == 0)
        dump_note(
            d,
            "All four parameters are zero, as storage drivers of 2008 R2 guests left them (KB2636573); what is known "
            "comes from the stack.");
}

void fault_find(struct dump *d)
{
    const struct fault_rule *r = fault_rule_of(d->v->header.code);

    say_parameters(d, r);
    if (!from_address(d, r) && !from_saved_state(d, r))
        from_stack(d, r);
}
