/* See capture_disks.h. */
#include "agent/capture_disks.h"

#include "agent/capture_names.h"
#include "collectors/cim_xml.h"
#include "collectors/disk_head.h"
#include "plat/live.h"

#include <inttypes.h>
#include <string.h>

struct finding {
    const struct files *files;
    struct buf *out;
    int disks, unread;
};

static bool read_disk(const struct files *files, const char *path, struct disk_head *out)
{
    struct live_disk told;

    if (disk_head_read(files, path, out, NULL) == 0)
        return true;
    if (plat_live_disk(path, &told, NULL) != 0)
        return false;
    *out = (struct disk_head){ .kind = told.kind, .format = told.format, .size = told.size };
    return true;
}

/* The numbers of Msvm_VirtualHardDiskSettingData: Type 2 fixed, 3 dynamic, 4 differencing; Format 2 VHD, 3 VHDX. */
static void put_disk(struct buf *out, const char *path, const struct disk_head *h)
{
    static const int types[DISK_KIND_COUNT] = { [DISK_FIXED] = 2, [DISK_DYNAMIC] = 3, [DISK_DIFFERENCING] = 4 };

    buf_str(out, "<INSTANCE CLASSNAME=\"Msvm_VirtualHardDiskSettingData\">\n"
                 "<PROPERTY NAME=\"Path\" TYPE=\"string\"><VALUE>");
    capture_escape(out, path, strlen(path));
    buf_printf(out,
               "</VALUE></PROPERTY>\n<PROPERTY NAME=\"Type\" TYPE=\"uint16\"><VALUE>%d</VALUE></PROPERTY>\n"
               "<PROPERTY NAME=\"Format\" TYPE=\"uint16\"><VALUE>%d</VALUE></PROPERTY>\n"
               "<PROPERTY NAME=\"MaxInternalSize\" TYPE=\"uint64\"><VALUE>%" PRIu64 "</VALUE></PROPERTY>\n"
               "</INSTANCE>\n",
               types[h->kind],
               strcmp(h->format, "vhdx") == 0  ? 3
               : strcmp(h->format, "vhd") == 0 ? 2
                                               : 0,
               h->size);
}

static void take_instance(void *arg, const struct cim_instance *in)
{
    struct finding *f = arg;
    const char *path = cim_text(in, "HostResource");
    struct disk_head head;

    if (path[0] == '\0')
        path = cim_text(in, "Connection");
    if (!disk_head_is_name(path) || f->disks >= CAPTURE_DISKS_MAX)
        return;
    f->disks++;
    if (read_disk(f->files, path, &head))
        put_disk(f->out, path, &head);
    else
        f->unread++;
}

static void take_problem(void *arg, size_t offset, const char *what)
{
    (void)arg; /* whoever writes the class itself tells */
    (void)offset;
    (void)what;
}

int capture_disks_add(const struct files *files, const char *xml, size_t len, struct buf *out, int *unread,
                      struct err *e)
{
    static const char *const wanted[] = { "HostResource", "Connection", NULL };
    struct finding f = { .files = files, .out = out };
    struct cim_handler h = { .instance = take_instance, .problem = take_problem, .arg = &f, .wanted = wanted };
    struct cim_parser *parser = NULL;
    int rc = cim_parser_new(&parser, e);

    if (rc == 0)
        rc = cim_parse(parser, xml, len, &h, e);
    cim_parser_free(parser);
    if (rc == 0 && buf_error(out) != ERR_OK)
        rc = err_set(e, buf_error(out), "the kinds of the disks are too large for a capture");
    *unread = f.unread;
    return rc;
}
