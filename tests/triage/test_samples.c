/* Real dumps of Windows 8.1, 10 and 11 and the synthetic ones: the module at fault.
 *
 * tests/triage/truth_table compares everything that is known of them; this is
 * the short form that needs no program.  WhoCrashed's published answers for
 * crit_111417-56671 and -58375 and the published stack of rizin_triage_x64 are
 * among the rows.
 */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <string.h>

static const struct sample {
    const char *file;
    enum triage_status status;
    uint32_t code;
    const char *name; /* of the culprit */
    uint64_t offset;  /* 0 none */
    enum triage_confidence confidence;
    size_t drivers;
} samples[] = {
    { "rts_7e_0.dmp", TRIAGE_OK, 0x1000007E, "nvlddmkm.sys", 0x33E3A8, TRIAGE_EXACT, 210 },
    { "rts_7e_1.dmp", TRIAGE_OK, 0x1000007E, "nvlddmkm.sys", 0x12634E, TRIAGE_EXACT, 189 },
    { "rts_d1.dmp", TRIAGE_OK, 0xD1, "ks.sys", 0x1AE9, TRIAGE_LIKELY, 210 },
    { "rts_3b_0.dmp", TRIAGE_OK, 0x3B, "win32kfull.sys", 0x10F183, TRIAGE_LIKELY, 204 },
    { "rts_116_0.dmp", TRIAGE_OK, 0x116, "nvlddmkm.sys", 0x1700A40, TRIAGE_EXACT, 194 },
    { "rts_9f.dmp", TRIAGE_OK, 0x9F, "disk.sys", 0, TRIAGE_LIKELY, 184 },
    { "rts_1a.dmp", TRIAGE_OK, 0x1A, "memory_corruption", 0, TRIAGE_LIKELY, 201 },
    { "rts_be_1.dmp", TRIAGE_OK, 0x1A, "memory_corruption", 0, TRIAGE_LIKELY, 200 },
    { "noam_040124-5218-01.dmp", TRIAGE_OK, 0x1A, "memory_corruption", 0, TRIAGE_LIKELY, 201 },
    { "rizin_triage_x64.dmp", TRIAGE_OK, 0x1000007E, "amdppm.sys", 0x334C, TRIAGE_EXACT, 151 },
    { "rizin_triage_arm64.dmp", TRIAGE_OK, 0x1C8, "manual_crash", 0, TRIAGE_EXACT, 245 },
    { "daimuvg_102622-15671-01.dmp", TRIAGE_OK, 0x50, "Ntfs.sys", 0xFB873, TRIAGE_LIKELY, 206 },
    { "crit_111417-58375-01.dmp", TRIAGE_OK, 0x1000007E, "RTKVHD64.sys", 0x5D28, TRIAGE_EXACT, 179 },
    { "crit_111417-56671-01.dmp", TRIAGE_OK, 0x50, "win32k.sys", 0x57780, TRIAGE_LIKELY, 177 },
    { "neg_d1_cut_in_triage.dmp", TRIAGE_TRUNCATED, 0xD1, "ks.sys", 0x1AE9, TRIAGE_LIKELY, 210 },
    { "neg_d1_cut_half.dmp", TRIAGE_TRUNCATED, 0xD1, "ks.sys", 0x1AE9, TRIAGE_LIKELY, 210 },
    { "neg_tx_no_trgd.dmp", TRIAGE_CORRUPT, 0x1000007E, "amdppm.sys", 0x334C, TRIAGE_EXACT, 151 },
    { "neg_tx_datablocks_huge.dmp", TRIAGE_CORRUPT, 0x1000007E, "amdppm.sys", 0x334C, TRIAGE_EXACT, 151 },
    { "neg_d1_driverlist_oob.dmp", TRIAGE_CORRUPT, 0xD1, "Unknown_Image", 0, TRIAGE_NONE, 0 },
    { "neg_x64_module_list_loop.dmp", TRIAGE_CORRUPT, 0xD1, "storvsc.sys", 0x12B8, TRIAGE_EXACT, 14 },
    { "neg_x64_self_map_everywhere.dmp", TRIAGE_CORRUPT, 0xD1, "Unknown_Image", 0, TRIAGE_NONE, 0 },
    { "syn_x64_full_type1.dmp", TRIAGE_OK, 0xD1, "storvsc.sys", 0x12B8, TRIAGE_EXACT, 14 },
    { "syn_x64_bitmap_kernel_type6_2MBnt.dmp", TRIAGE_OK, 0xD1, "storvsc.sys", 0x12B8, TRIAGE_EXACT, 14 },
    { "syn_x64_rdmp_kernel_type8.dmp", TRIAGE_OK, 0xD1, "storvsc.sys", 0x12B8, TRIAGE_EXACT, 14 },
    { "syn_x86_pae_full_type1.dmp", TRIAGE_OK, 0xD1, "badnic.sys", 0x1B0E, TRIAGE_EXACT, 6 },
    { "syn_x86_nonpae_full_type1.dmp", TRIAGE_OK, 0xD1, "badnic.sys", 0x1B0E, TRIAGE_EXACT, 6 },
    { "syn_x86_triage_type4.dmp", TRIAGE_OK, 0xD1, "badnic.sys", 0x1B0E, TRIAGE_EXACT, 6 },
};

START_TEST(a_sample_gives_the_module_at_fault)
{
    const struct sample *s = &samples[_i];
    struct bytes b = sample_dump(s->file, s->file);
    struct triage_verdict *v;

    if (b.p == NULL)
        return;
    v = triage_bytes(b.p, b.len);
    ck_assert_msg(v->status == s->status, "%s: status %s (%s)", s->file, triage_status_name(v->status), v->status_text);
    ck_assert_uint_eq(v->header.code, s->code);
    ck_assert_str_eq(v->culprit.name, s->name);
    ck_assert_uint_eq(v->culprit.has_offset ? v->culprit.offset : 0, s->offset);
    ck_assert_msg(v->culprit.confidence == s->confidence, "%s: %s", s->file, v->culprit.evidence);
    ck_assert_uint_eq(v->driver_count, s->drivers);
    triage_verdict_free(v);
}
END_TEST

START_TEST(windbgs_bucket_of_a_well_known_driver_comes_out)
{
    struct bytes b = sample_dump(__func__, "rts_7e_0.dmp");
    struct triage_verdict *v;

    if (b.p == NULL)
        return;
    v = triage_bytes(b.p, b.len);
    ck_assert_str_eq(v->bucket.failure_id, "AV_nvlddmkm!unknown_function");
    ck_assert_str_eq(v->bucket.failure_hash, "7eea5677-f68d-2154-717e-887e07e55cd3");
    triage_verdict_free(v);
}
END_TEST

START_TEST(an_unwound_stack_leaves_out_stale_values)
{
    struct bytes b = sample_dump(__func__, "syn_x64_full_type1.dmp");
    static const char *const frames[] = { "ntoskrnl.exe+0x1000", "ntoskrnl.exe+0x1269", "ntoskrnl.exe+0x1660",
                                          "storvsc.sys+0x12b8",  "vmbus.sys+0x1120",    "vmbus.sys+0x2055",
                                          "ntoskrnl.exe+0x3157", "ntoskrnl.exe+0x407a" };
    struct triage_verdict *v;

    if (b.p == NULL)
        return;
    v = triage_bytes(b.p, b.len);
    ck_assert_uint_eq(v->frame_count, sizeof frames / sizeof frames[0]);
    for (size_t i = 0; i < v->frame_count; i++) {
        char text[TRIAGE_PLACE_TEXT];

        triage_place_text(v, &v->frames[i].place, text, sizeof text);
        ck_assert_str_eq(text, frames[i]);
    }
    ck_assert_str_eq(v->frames[0].place.symbol, "KeBugCheckEx+0x0");
    ck_assert_int_eq(v->frames[3].source, FRAME_FAULT);
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_guest_gives_its_bios_its_role_and_its_components)
{
    struct bytes b = sample_dump(__func__, "syn_x64_full_type1.dmp");
    struct triage_verdict *v;
    size_t components = 0;

    if (b.p == NULL)
        return;
    v = triage_bytes(b.p, b.len);
    ck_assert_str_eq(v->bios_version, "090006");
    ck_assert_str_eq(v->bios_date, "05/23/2012");
    ck_assert_str_eq(v->system_product, "Virtual Machine");
    ck_assert_int_eq(v->role, ROLE_GUEST);
    ck_assert_uint_eq(v->ubr, 17727);
    ck_assert_uint_eq(v->memory_free.value, UINT64_C(1234) * 4096);
    for (size_t i = 0; i < v->driver_count; i++)
        components += v->drivers[i].integration;
    ck_assert_uint_eq(components, 7);
    triage_verdict_free(v);
}
END_TEST

START_TEST(the_drivers_every_windows_10_loads_make_no_hyper_v_host)
{
    struct bytes b = sample_dump(__func__, "rts_d1.dmp");
    struct triage_verdict *v;

    if (b.p == NULL)
        return;
    v = triage_bytes(b.p, b.len);
    ck_assert_int_eq(v->role, ROLE_PHYSICAL);
    triage_verdict_free(v);
}
END_TEST

static void add(Suite *s)
{
    TCase *tc = suite_case(s, "a_sample_gives_the_module_at_fault");

    tcase_add_loop_test(tc, a_sample_gives_the_module_at_fault, 0, sizeof samples / sizeof samples[0]);
    suite_test(s, windbgs_bucket_of_a_well_known_driver_comes_out);
    suite_test(s, an_unwound_stack_leaves_out_stale_values);
    suite_test(s, a_guest_gives_its_bios_its_role_and_its_components);
    suite_test(s, the_drivers_every_windows_10_loads_make_no_hyper_v_host);
}

int main(void)
{
    return suite_main("triage: samples", add);
}
