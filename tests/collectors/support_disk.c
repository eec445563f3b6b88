/* See support_disk.h. */
#include "tests/collectors/support_disk.h"

#include <string.h>

static void put_little(unsigned char *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(v >> 8 * i);
}

static void put_big(unsigned char *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(v >> 8 * (bytes - 1 - i));
}

void make_vhd(unsigned char out[VHD_LEN], unsigned type, uint64_t size)
{
    unsigned char *footer = out + VHD_LEN - 512;
    uint32_t sum = 0;

    memset(out, 0, VHD_LEN);
    memcpy(footer, "conectix", 8);
    put_big(footer + 40, size, 8);
    put_big(footer + 48, size, 8);
    put_big(footer + 60, type, 4);
    for (int i = 0; i < 512; i++)
        sum += footer[i];
    put_big(footer + 64, ~sum, 4);
    if (type != 2)
        memcpy(out, footer, 512);
}

static void put_guid(unsigned char *at, uint32_t a, uint16_t b, uint16_t c, uint64_t d)
{
    put_little(at, a, 4);
    put_little(at + 4, b, 2);
    put_little(at + 6, c, 2);
    put_big(at + 8, d, 8);
}

static void put_regions(unsigned char *table)
{
    memcpy(table, "regi", 4);
    put_little(table + 8, 2, 4);
    put_guid(table + 16, 0x2DC27766, 0xF623, 0x4200, 0x9D64115E9BFD4A08);
    put_little(table + 32, 2 * 1024 * 1024, 8);
    put_little(table + 40, 1024 * 1024, 4);
    put_guid(table + 48, 0x8B7CA206, 0x4790, 0x4B9A, 0xB8FE575F050F886E);
    put_little(table + 64, VHDX_METADATA, 8);
    put_little(table + 72, 1024 * 1024, 4);
}

static void put_metadata(unsigned char *table, uint32_t flags, uint64_t size)
{
    memcpy(table, "metadata", 8);
    put_little(table + 10, 2, 2);
    put_guid(table + 32, 0x2FA54224, 0xCD1B, 0x4876, 0xB2115DBED83BF4B8);
    put_little(table + 48, 64 * 1024 + 8, 4);
    put_little(table + 52, 8, 4);
    put_little(table + 56, 6, 4);
    put_guid(table + 64, 0xCAA16737, 0xFA36, 0x4D43, 0xB3B633F0AA44E76B);
    put_little(table + 80, 64 * 1024, 4);
    put_little(table + 84, 8, 4);
    put_little(table + 88, 4, 4);
    put_little(table + 64 * 1024, 32 * 1024 * 1024, 4);
    put_little(table + 64 * 1024 + 4, flags, 4);
    put_little(table + 64 * 1024 + 8, size, 8);
}

void make_vhdx(unsigned char out[VHDX_LEN], enum disk_kind kind, uint64_t size)
{
    memset(out, 0, VHDX_LEN);
    memcpy(out, "vhdxfile", 8);
    put_regions(out + VHDX_REGIONS);
    put_regions(out + VHDX_REGIONS_COPY);
    put_metadata(out + VHDX_METADATA, kind == DISK_FIXED ? 1 : kind == DISK_DIFFERENCING ? 3 : 0, size);
}
