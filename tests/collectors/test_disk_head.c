/* What kind of virtual hard disk a file is, hostile ones included. */
#include "collectors/disk_head.h"
#include "tests/collectors/support_disk.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/support/suite.h"

#include <string.h>

#define GIB (UINT64_C(1) << 30)

static struct fake_files fs;
static unsigned char vhd[VHD_LEN], vhdx[VHDX_LEN];

static int read_bytes(const void *bytes, size_t len, struct disk_head *out, struct err *e)
{
    fake_files_init(&fs);
    fake_file(&fs, "/d", bytes, len, 1);
    return disk_head_read(&fs.files, "/d", out, e);
}

START_TEST(the_footer_of_a_vhd_says_its_kind)
{
    static const struct {
        unsigned type;
        enum disk_kind kind;
    } kinds[] = { { 2, DISK_FIXED }, { 3, DISK_DYNAMIC }, { 4, DISK_DIFFERENCING } };
    struct disk_head h;
    struct err e;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        make_vhd(vhd, kinds[i].type, 40 * GIB);
        ck_assert_msg(read_bytes(vhd, sizeof vhd, &h, &e) == 0, "type %u: %s", kinds[i].type, e.text);
        ck_assert_str_eq(disk_kind_name(h.kind), disk_kind_name(kinds[i].kind));
        ck_assert_str_eq(h.format, "vhd");
        ck_assert_uint_eq(h.size, 40 * GIB);
    }
}
END_TEST

START_TEST(a_dynamic_vhd_cut_at_the_end_still_says_it)
{
    struct disk_head h;

    make_vhd(vhd, 3, GIB);
    ck_assert_int_eq(read_bytes(vhd, sizeof vhd - 512, &h, NULL), 0);
    ck_assert_int_eq(h.kind, DISK_DYNAMIC);
    make_vhd(vhd, 2, GIB);
    ck_assert_int_eq(read_bytes(vhd, sizeof vhd - 512, &h, NULL), ERR_INVALID);
}
END_TEST

START_TEST(a_footer_with_a_wrong_sum_or_type_is_none)
{
    struct disk_head h = { .kind = DISK_PHYSICAL };

    make_vhd(vhd, 2, GIB);
    vhd[VHD_LEN - 512 + 100] ^= 1;
    ck_assert_int_eq(read_bytes(vhd, sizeof vhd, &h, NULL), ERR_INVALID);
    make_vhd(vhd, 0, GIB);
    ck_assert_int_eq(read_bytes(vhd, sizeof vhd, &h, NULL), ERR_INVALID);
    make_vhd(vhd, 5, GIB);
    ck_assert_int_eq(read_bytes(vhd, sizeof vhd, &h, NULL), ERR_INVALID);
    ck_assert_int_eq(h.kind, DISK_PHYSICAL);
}
END_TEST

START_TEST(the_file_parameters_of_a_vhdx_say_its_kind)
{
    static const enum disk_kind kinds[] = { DISK_FIXED, DISK_DYNAMIC, DISK_DIFFERENCING };
    struct disk_head h;
    struct err e;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        make_vhdx(vhdx, kinds[i], 127 * GIB);
        ck_assert_msg(read_bytes(vhdx, sizeof vhdx, &h, &e) == 0, "%s: %s", disk_kind_name(kinds[i]), e.text);
        ck_assert_str_eq(disk_kind_name(h.kind), disk_kind_name(kinds[i]));
        ck_assert_str_eq(h.format, "vhdx");
        ck_assert_uint_eq(h.size, 127 * GIB);
    }
}
END_TEST

START_TEST(the_copy_of_the_region_table_stands_in)
{
    struct disk_head h;

    make_vhdx(vhdx, DISK_DYNAMIC, GIB);
    memset(vhdx + VHDX_REGIONS, 0, 4096);
    ck_assert_int_eq(read_bytes(vhdx, sizeof vhdx, &h, NULL), 0);
    ck_assert_int_eq(h.kind, DISK_DYNAMIC);
    memset(vhdx + VHDX_REGIONS_COPY, 0, 4096);
    ck_assert_int_eq(read_bytes(vhdx, sizeof vhdx, &h, NULL), ERR_INVALID);
}
END_TEST

START_TEST(offsets_that_lead_nowhere_are_refused)
{
    static const struct {
        size_t at;
        int bytes;
    } fields[] = {
        { VHDX_REGIONS + 64, 8 },       /* the region's offset */
        { VHDX_REGIONS + 72, 4 },       /* its length */
        { VHDX_METADATA + 80, 4 },      /* the item's offset */
        { VHDX_METADATA + 32 + 16, 4 }, /* and the other's */
    };
    struct disk_head h;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        make_vhdx(vhdx, DISK_FIXED, GIB);
        memset(vhdx + fields[i].at, 0xFF, (size_t)fields[i].bytes);
        memcpy(vhdx + VHDX_REGIONS_COPY, vhdx + VHDX_REGIONS, 4096);
        if (i < 3) {
            ck_assert_msg(read_bytes(vhdx, sizeof vhdx, &h, NULL) == ERR_INVALID, "field %zu", i);
        } else { /* a size that is nowhere is not known */
            ck_assert_int_eq(read_bytes(vhdx, sizeof vhdx, &h, NULL), 0);
            ck_assert_uint_eq(h.size, 0);
        }
    }
}
END_TEST

START_TEST(files_that_are_no_disks_are_refused)
{
    struct disk_head h;
    struct err e;

    ck_assert_int_eq(read_bytes("", 0, &h, &e), ERR_INVALID);
    ck_assert_int_eq(read_bytes("vhdxfile", 8, &h, &e), ERR_INVALID);
    ck_assert_int_eq(read_bytes("conectix", 8, &h, &e), ERR_INVALID);
    make_vhdx(vhdx, DISK_FIXED, GIB);
    for (size_t len = 0; len < sizeof vhdx - 1024 * 1024; len += 65521)
        ck_assert_msg(read_bytes(vhdx, len, &h, &e) == ERR_INVALID, "cut at %zu", len);
    ck_assert_int_eq(disk_head_read(&fs.files, "/nowhere", &h, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_read_that_fails_is_told_as_it_failed)
{
    struct disk_head h;

    make_vhd(vhd, 2, GIB);
    fake_files_init(&fs);
    fake_file(&fs, "/d", vhd, sizeof vhd, 1)->read_rc = ERR_IO;
    ck_assert_int_eq(disk_head_read(&fs.files, "/d", &h, NULL), ERR_IO);
}
END_TEST

START_TEST(disks_are_known_by_their_names)
{
    ck_assert(disk_head_is_name("C:\\VMs\\web.VHDX"));
    ck_assert(disk_head_is_name("C:\\VMs\\web_1234.avhdx"));
    ck_assert(disk_head_is_name("old.vhd"));
    ck_assert(!disk_head_is_name("C:\\iso\\setup.iso"));
    ck_assert(!disk_head_is_name("\\\\HV01\\root\\virtualization\\v2:Msvm_DiskDrive"));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_footer_of_a_vhd_says_its_kind);
    suite_test(s, a_dynamic_vhd_cut_at_the_end_still_says_it);
    suite_test(s, a_footer_with_a_wrong_sum_or_type_is_none);
    suite_test(s, the_file_parameters_of_a_vhdx_say_its_kind);
    suite_test(s, the_copy_of_the_region_table_stands_in);
    suite_test(s, offsets_that_lead_nowhere_are_refused);
    suite_test(s, files_that_are_no_disks_are_refused);
    suite_test(s, a_read_that_fails_is_told_as_it_failed);
    suite_test(s, disks_are_known_by_their_names);
}

int main(void)
{
    return suite_main("collectors: disk head", add);
}
