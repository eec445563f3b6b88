/* 0x9F: the power request that nobody finished, whole, cut and forged. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/special.h"

#include <string.h>

#define ACME   UINT64_C(0xFFFFF88005000000)
#define DISK   UINT64_C(0xFFFFF88006000000)
#define IRP    UINT64_C(0xFFFFE00000001000)
#define TOP    UINT64_C(0xFFFFE00000002000) /* the device of the current location */
#define BOTTOM UINT64_C(0xFFFFE00000003000) /* the device at parameter 2 */
#define OBJECT UINT64_C(0xFFFFE00000004000) /* driver objects */

enum { IRP_SIZE = 0xD0, LOCATION = 0x48, LOCATION_DEVICE = 0x28, COUNT = 0x42, CURRENT = 0x43 };

struct power {
    struct scene *s;
    unsigned char *irp, *top, *bottom, *top_object, *bottom_object;
};

/* A request of three locations at acme.sys, above disk.sys. */
static struct power power_new(void)
{
    struct power p = { .s = scene_new(DUMP_ARCH_X64, 19041) };
    static const uint64_t params[] = { 3, BOTTOM, 0xFFFFE00000009000, IRP };

    p.s->verdict.header.code = 0x9F;
    memcpy(p.s->verdict.header.params, params, sizeof params);
    scene_driver(p.s, "acme.sys", ACME, 0x10000);
    scene_driver(p.s, "disk.sys", DISK, 0x10000);
    p.irp = scene_map(p.s, IRP, IRP_SIZE + 3 * LOCATION);
    p.top = scene_map(p.s, TOP, 0x40);
    p.bottom = scene_map(p.s, BOTTOM, 0x40);
    p.top_object = scene_map(p.s, OBJECT, 0x40);
    p.bottom_object = scene_map(p.s, OBJECT + 0x100, 0x40);
    put16(p.irp, 6);
    p.irp[COUNT] = 3;
    p.irp[CURRENT] = 2;
    put64(p.irp + IRP_SIZE + LOCATION_DEVICE, BOTTOM);
    p.irp[IRP_SIZE + LOCATION] = 0x16;
    put64(p.irp + IRP_SIZE + LOCATION + LOCATION_DEVICE, TOP);
    put64(p.top + 8, OBJECT);
    put64(p.top_object + 0x18, ACME);
    put64(p.bottom + 8, OBJECT + 0x100);
    put64(p.bottom_object + 0x18, DISK);
    return p;
}

static void check_holder(const struct power *p, const char *evidence)
{
    ck_assert(irp_blame(scene_ready(p->s)));
    ck_assert_str_eq(p->s->verdict.culprit.name, "acme.sys");
    ck_assert_int_eq(p->s->verdict.culprit.confidence, TRIAGE_LIKELY);
    ck_assert_str_eq(p->s->verdict.culprit.evidence, evidence);
    scene_end(p->s);
}

/* The request can not be believed: what is left is the device at parameter 2. */
static void check_bottom_alone(const struct power *p)
{
    ck_assert(irp_blame(scene_ready(p->s)));
    ck_assert_str_eq(p->s->verdict.culprit.name, "disk.sys");
    ck_assert_int_eq(p->s->verdict.culprit.confidence, TRIAGE_GUESS);
    ck_assert_str_eq(p->s->verdict.culprit.evidence,
                     "the device at parameter 2 belongs to disk.sys; the request at parameter 4 is not in the dump");
    scene_end(p->s);
}

START_TEST(the_driver_of_the_current_location_is_blamed_and_all_locations_are_noted)
{
    struct power p = power_new();

    ck_assert(irp_blame(scene_ready(p.s)));
    ck_assert_str_eq(p.s->verdict.culprit.evidence,
                     "the power request at parameter 4 (IRP 0xffffe00000001000) is pending at acme.sys; the device at "
                     "parameter 2 belongs to disk.sys");
    ck_assert_uint_eq(p.s->verdict.note_count, 2); /* the third location has no device */
    ck_assert_str_eq(p.s->verdict.notes[0], "IRP location 2 (current): major function 0x16 at acme.sys.");
    ck_assert_str_eq(p.s->verdict.notes[1], "IRP location 1: major function 0x00 at disk.sys.");
    scene_end(p.s);
}
END_TEST

START_TEST(a_bottom_device_that_is_not_in_the_dump_costs_only_its_name)
{
    static const char evidence[] = "the power request at parameter 4 (IRP 0xffffe00000001000) is pending at acme.sys; "
                                   "the device at parameter 2 belongs to a driver not in the dump";
    struct power p = power_new();

    p.s->verdict.header.params[1] = BOTTOM + 0x10000;
    check_holder(&p, evidence);
    p = power_new();
    p.s->verdict.header.params[1] = 0x1000; /* not of the kernel */
    check_holder(&p, evidence);
    p = power_new();
    put64(p.bottom + 8, 0x1000);
    check_holder(&p, evidence);
    p = power_new();
    put64(p.bottom + 8, OBJECT + 0x10000);
    check_holder(&p, evidence);
    p = power_new();
    put64(p.bottom_object + 0x18, DISK + 0x10000); /* behind the driver's end */
    check_holder(&p, evidence);
}
END_TEST

START_TEST(a_request_that_can_not_be_one_leaves_the_device_at_parameter_2)
{
    struct power p = power_new();

    put16(p.irp, 7);
    check_bottom_alone(&p);
    p = power_new();
    p.s->verdict.header.params[3] = IRP + 0x100000;
    check_bottom_alone(&p);
    p = power_new();
    p.s->verdict.header.params[3] = 0x1000;
    check_bottom_alone(&p);
    p = power_new();
    p.irp[COUNT] = 0;
    check_bottom_alone(&p);
    p = power_new();
    p.irp[COUNT] = 65;
    check_bottom_alone(&p);
    p = power_new();
    p.irp[CURRENT] = 0;
    check_bottom_alone(&p);
    p = power_new();
    p.irp[CURRENT] = 4; /* one above the last: nobody holds it */
    check_bottom_alone(&p);
    p = power_new();
    p.irp[CURRENT] = 5;
    check_bottom_alone(&p);
    p = power_new();
    put64(p.top_object + 0x18, 0);
    check_bottom_alone(&p);
}
END_TEST

START_TEST(locations_behind_the_cut_are_left_out)
{
    struct power p = power_new();

    p.irp[COUNT] = 64;
    check_holder(&p, "the power request at parameter 4 (IRP 0xffffe00000001000) is pending at acme.sys; the device at "
                     "parameter 2 belongs to disk.sys");
    ck_assert_uint_eq(p.s->verdict.note_count, 0); /* the highest is not there: the order would be a lie */
    p = power_new();
    p.irp[COUNT] = 64;
    p.irp[CURRENT] = 64;
    check_bottom_alone(&p);
}
END_TEST

START_TEST(nothing_is_said_when_neither_request_nor_device_is_there)
{
    struct power p = power_new();

    p.s->verdict.header.params[1] = p.s->verdict.header.params[3] = 0;
    ck_assert(!irp_blame(scene_ready(p.s)));
    ck_assert_ptr_null(p.s->verdict.culprit.name);
    scene_end(p.s);
}
END_TEST

START_TEST(other_kinds_of_the_code_and_other_processors_have_no_such_request)
{
    struct power p = power_new();

    p.s->verdict.header.params[0] = 4;
    ck_assert(!irp_blame(scene_ready(p.s)));
    p.s->verdict.header.params[0] = 3;
    p.s->verdict.header.arch = DUMP_ARCH_ARM64;
    ck_assert(!irp_blame(scene_ready(p.s)));
    scene_end(p.s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_driver_of_the_current_location_is_blamed_and_all_locations_are_noted);
    suite_test(s, a_bottom_device_that_is_not_in_the_dump_costs_only_its_name);
    suite_test(s, a_request_that_can_not_be_one_leaves_the_device_at_parameter_2);
    suite_test(s, locations_behind_the_cut_are_left_out);
    suite_test(s, nothing_is_said_when_neither_request_nor_device_is_there);
    suite_test(s, other_kinds_of_the_code_and_other_processors_have_no_such_request);
}

int main(void)
{
    return suite_main("triage: power requests", add);
}
