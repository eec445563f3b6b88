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

static void put_little(size_t at, int bytes, uint64_t v)
{
    for (int i = 0; i < bytes; i++)
        vhdx[at + (size_t)i] = (unsigned char)(v >> 8 * i);
}

/* Both copies of the region table with another number in it, at this place of the table. */
static int read_with_region(size_t at, int bytes, uint64_t v, struct disk_head *out)
{
    make_vhdx(vhdx, DISK_FIXED, GIB);
    put_little(VHDX_REGIONS + at, bytes, v);
    memcpy(vhdx + VHDX_REGIONS_COPY, vhdx + VHDX_REGIONS, 4096);
    return read_bytes(vhdx, sizeof vhdx, out, NULL);
}

START_TEST(the_metadata_lies_in_the_file_behind_its_first_mebibyte)
{
    enum { COUNT = 8, OFFSET = 64, LENGTH = 72, MIB = 1024 * 1024 };
    struct disk_head h;

    ck_assert_int_eq(read_with_region(OFFSET, 8, MIB, &h), 0);
    ck_assert_int_eq(read_with_region(OFFSET, 8, MIB - 1, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_region(OFFSET, 8, sizeof vhdx, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_region(LENGTH, 4, MIB, &h), 0);
    ck_assert_int_eq(read_with_region(LENGTH, 4, MIB - 1, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_region(LENGTH, 4, sizeof vhdx - MIB, &h), 0);
    ck_assert_int_eq(read_with_region(LENGTH, 4, sizeof vhdx - MIB + 1, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_region(COUNT, 4, 0, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_region(COUNT, 4, 1, &h), ERR_INVALID); /* it is the second region */
    ck_assert_int_eq(read_with_region(COUNT, 4, UINT32_MAX, &h), 0);
}
END_TEST

/* The item of the file parameters with another number in its entry. */
static int read_with_item(size_t at, uint64_t v, struct disk_head *out)
{
    make_vhdx(vhdx, DISK_FIXED, GIB);
    put_little(VHDX_METADATA + 64 + at, 4, v);
    return read_bytes(vhdx, sizeof vhdx, out, NULL);
}

START_TEST(an_item_lies_in_the_metadata_and_is_the_systems)
{
    enum { OFFSET = 16, LENGTH = 20, FLAGS = 24, MIB = 1024 * 1024, KIB64 = 64 * 1024 };
    struct disk_head h;

    ck_assert_int_eq(read_with_item(OFFSET, KIB64, &h), 0);
    ck_assert_int_eq(read_with_item(OFFSET, KIB64 - 1, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_item(OFFSET, MIB - 8, &h), 0);
    ck_assert_int_eq(read_with_item(OFFSET, MIB - 7, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_item(LENGTH, 8, &h), 0);
    ck_assert_int_eq(read_with_item(LENGTH, 7, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_item(FLAGS, 1, &h), ERR_INVALID);
    ck_assert_int_eq(read_with_item(0, 0, &h), ERR_INVALID); /* another GUID */
    make_vhdx(vhdx, DISK_FIXED, GIB);
    memset(vhdx + VHDX_METADATA, 0, 8);
    ck_assert_int_eq(read_bytes(vhdx, sizeof vhdx, &h, NULL), ERR_INVALID);
}
END_TEST

START_TEST(a_table_that_is_full_is_looked_through_to_its_end)
{
    struct disk_head h;

    make_vhdx(vhdx, DISK_FIXED, GIB);
    memset(vhdx + VHDX_METADATA + 32, 0, 4096 - 32); /* no item, and the table says there are very many */
    put_little(VHDX_METADATA + 10, 2, UINT16_MAX);
    ck_assert_int_eq(read_bytes(vhdx, sizeof vhdx, &h, NULL), ERR_INVALID);
}
END_TEST

/* ---- files that change or fail -------------------------------------------------- */

static struct files seam; /* over the files in memory */
static uint64_t good_to;  /* reads from here on fail, or come to the file's end */
static int fails_with;

static int read_up_to(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    if (offset < good_to)
        return fs.files.ops->read_at(file, offset, bytes, len, got, e);
    *got = 0;
    return fails_with != 0 ? err_set(e, (enum err_code)fails_with, "the read at %d fails", (int)offset) : 0;
}

static int read_disk_up_to(const void *bytes, size_t len, uint64_t to, int rc, struct err *e)
{
    static struct files_ops ops;
    struct disk_head h;

    fake_files_init(&fs);
    fake_file(&fs, "/d", bytes, len, 1);
    ops = *fs.files.ops;
    ops.read_at = read_up_to;
    seam = (struct files){ .ops = &ops, .state = &fs };
    good_to = to;
    fails_with = rc;
    return disk_head_read(&seam, "/d", &h, e);
}

START_TEST(a_file_that_becomes_shorter_or_fails_on_the_way_is_told)
{
    struct err e;

    make_vhd(vhd, 2, GIB);
    ck_assert_int_eq(read_disk_up_to(vhd, sizeof vhd, 0, 0, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "the file has become shorter");
    ck_assert_int_eq(read_disk_up_to(vhd, sizeof vhd, 1, ERR_IO, &e), ERR_IO);
    ck_assert_str_eq(e.text, "the read at 7680 fails");
    make_vhdx(vhdx, DISK_FIXED, GIB);
    ck_assert_int_eq(read_disk_up_to(vhdx, sizeof vhdx, VHDX_METADATA, ERR_IO, &e), ERR_IO);
    ck_assert_str_eq(e.text, "the read at 1048576 fails");
    ck_assert_int_eq(read_disk_up_to(vhdx, sizeof vhdx, sizeof vhdx, ERR_IO, &e), 0);
}
END_TEST

START_TEST(a_file_whose_size_is_unknown_or_impossible_is_refused)
{
    struct disk_head h;
    struct fake_file *file;
    struct err e;

    make_vhd(vhd, 2, GIB);
    fake_files_init(&fs);
    file = fake_file(&fs, "/d", vhd, sizeof vhd, 1);
    file->info_rc = ERR_IO;
    ck_assert_int_eq(disk_head_read(&fs.files, "/d", &h, &e), ERR_IO);
    file->info_rc = 0;
    file->info.size = (uint64_t)INT64_MAX + 1;
    ck_assert_int_eq(disk_head_read(&fs.files, "/d", &h, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "larger than a file can be");
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
    suite_test(s, the_metadata_lies_in_the_file_behind_its_first_mebibyte);
    suite_test(s, an_item_lies_in_the_metadata_and_is_the_systems);
    suite_test(s, a_table_that_is_full_is_looked_through_to_its_end);
    suite_test(s, a_file_that_becomes_shorter_or_fails_on_the_way_is_told);
    suite_test(s, a_file_whose_size_is_unknown_or_impossible_is_refused);
    suite_test(s, files_that_are_no_disks_are_refused);
    suite_test(s, a_read_that_fails_is_told_as_it_failed);
    suite_test(s, disks_are_known_by_their_names);
}

int main(void)
{
    return suite_main("collectors: disk head", add);
}
