/* See capture_class.h. */
#include "agent/capture_class.h"

#include "base/text.h"
#include "collectors/cim_xml.h"
#include "model/identity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum keep {
    KEEP,       /* as it is */
    KEEP_ID,    /* a GUID stays, anything else is a name */
    KEEP_NAME,  /* the machine's name */
    KEEP_ITEMS, /* Data Exchange */
    KEEP_OWNER, /* a path to an instance: without the machine it is on */
};

struct kept {
    const char *name, *type;
    enum keep keep;
};

static const struct kept of_guests[] = {
    { "Name", "string", KEEP_ID },
    { "SystemName", "string", KEEP_ID },
    { "ElementName", "string", KEEP_NAME },
    { "EnabledState", "uint16", KEEP },
    { "OperationalStatus", "uint16", KEEP },
    { "IntegrationServicesVersionState", "uint16", KEEP },
    { "GuestIntrinsicExchangeItems", "string", KEEP_ITEMS },
    { "MemoryUsage", "uint64", KEEP },
    { "MemoryAvailable", "sint32", KEEP },
    { "AvailableMemoryBuffer", "sint32", KEEP },
};

static const struct kept of_systems[] = {
    { "InstanceID", "string", KEEP },
    { "ElementName", "string", KEEP_NAME },
    { "VirtualSystemIdentifier", "string", KEEP_ID },
    { "VirtualSystemType", "string", KEEP },
    { "VirtualSystemSubType", "string", KEEP },
    { "SystemName", "string", KEEP_ID },
    { "SettingType", "uint16", KEEP },
};

static const struct kept of_quantities[] = {
    { "InstanceID", "string", KEEP },      { "DynamicMemoryEnabled", "boolean", KEEP },
    { "VirtualQuantity", "uint64", KEEP }, { "Reservation", "uint64", KEEP },
    { "Limit", "uint64", KEEP },           { "TargetMemoryBuffer", "uint32", KEEP },
    { "Weight", "uint32", KEEP },
};

static const struct kept of_resources[] = {
    { "InstanceID", "string", KEEP },      { "ResourceSubType", "string", KEEP },
    { "Parent", "string", KEEP_OWNER },    { "Address", "string", KEEP },
    { "AddressOnParent", "string", KEEP }, { "HostResource", "string", KEEP_NAME },
    { "Connection", "string", KEEP_NAME },
};

static const struct kept of_disks[] = {
    { "Path", "string", KEEP_NAME },
    { "Type", "uint16", KEEP },
    { "Format", "uint16", KEEP },
    { "MaxInternalSize", "uint64", KEEP },
};

#define KEPT(class_name, list)                       \
    {                                                \
        class_name, list, sizeof list / sizeof *list \
    }

/* The first has all other classes. */
static const struct kept_class {
    const char *class_name;
    const struct kept *list;
    int count;
} kept_classes[] = {
    KEPT("", of_guests),
    KEPT("Msvm_VirtualSystemSettingData", of_systems),
    KEPT("Msvm_MemorySettingData", of_quantities),
    KEPT("Msvm_ProcessorSettingData", of_quantities),
    KEPT("Msvm_ResourceAllocationSettingData", of_resources),
    KEPT("Msvm_StorageAllocationSettingData", of_resources),
    KEPT("Msvm_VirtualHardDiskSettingData", of_disks),
};

/* The items that say what a guest is and not who. */
static const char *const nameless_items[] = {
    "IntegrationServicesVersion",
    "OSName",
    "OSVersion",
    "OSMajorVersion",
    "OSMinorVersion",
    "OSBuildNumber",
    "OSPlatformId",
    "OSEditionId",
    "OSVendor",
    "OSSignature",
    "OSKernelVersion",
    "OSDistributionName",
    "CSDVersion",
    "ServicePackMajor",
    "SuiteMask",
    "ServicePackMinor",
    "ProductType",
    "ProcessorArchitecture",
};

struct capture_class {
    struct capture_names *names;
    struct cim_parser *outer, *inner;
    struct buf item;

    const struct kept_class *kept; /* of the call at hand, as the rest */
    struct buf *out;
    int unread;
};

/* ---- items -------------------------------------------------------------- */

static bool is_nameless(const char *name)
{
    for (size_t i = 0; i < sizeof nameless_items / sizeof nameless_items[0]; i++)
        if (strcmp(nameless_items[i], name) == 0)
            return true;
    return false;
}

static void put_plain(struct buf *out, const char *name, const char *type, const char *text, size_t len)
{
    buf_printf(out, "<PROPERTY NAME=\"%s\" TYPE=\"%s\"><VALUE>", name, type);
    capture_escape(out, text, len);
    buf_str(out, "</VALUE></PROPERTY>\n");
}

static void take_item(void *arg, const struct cim_instance *in)
{
    struct capture_class *c = arg;
    const char *name = cim_text(in, "Name"), *data = cim_text(in, "Data");

    if (!is_nameless(name))
        return;
    buf_str(&c->item, "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\">\n");
    put_plain(&c->item, "Data", "string", data, strlen(data));
    put_plain(&c->item, "Name", "string", name, strlen(name));
    put_plain(&c->item, "Source", "uint16", "2", 1);
    buf_str(&c->item, "</INSTANCE>");
}

static void take_problem(void *arg, size_t offset, const char *what)
{
    struct capture_class *c = arg;

    (void)offset;
    (void)what;
    c->unread++;
}

/* The item without names into c->item; empty when it is left out. */
static void strip_item(struct capture_class *c, const struct cim_value *v)
{
    static const char *const wanted[] = { "Name", "Data", NULL };
    struct cim_handler h = { .instance = take_item, .problem = take_problem, .arg = c, .wanted = wanted };

    buf_clear(&c->item);
    if (cim_parse(c->inner, v->text, v->len, &h, NULL) != 0)
        c->unread++;
    if (buf_error(&c->item) != ERR_OK)
        buf_clear(&c->item);
}

static void put_items(struct capture_class *c, const struct cim_property *p)
{
    for (int i = 0; i < p->count; i++) {
        const struct cim_value *v = &p->values[i];
        const char *text = v->text;
        size_t len = v->len;

        if (v->cut || v->null)
            continue;
        if (c->names != NULL) {
            strip_item(c, v);
            text = buf_text(&c->item);
            len = c->item.len;
        }
        if (len == 0)
            continue;
        buf_str(c->out, "<VALUE>");
        capture_escape(c->out, text, len);
        buf_str(c->out, "</VALUE>\n");
    }
}

/* ---- instances ---------------------------------------------------------- */

static void put_value(struct capture_class *c, const struct cim_value *v, enum keep keep)
{
    char guid[GUID_TEXT_MAX], name[CAPTURE_NAME_TEXT_MAX];

    if (v->null) {
        buf_str(c->out, "<VALUE.NULL/>\n");
        return;
    }
    buf_str(c->out, "<VALUE>");
    if (c->names != NULL && (keep == KEEP_NAME || (keep == KEEP_ID && !guid_parse(v->text, v->len, guid)))) {
        capture_name(c->names, v->text, v->len, name);
        buf_str(c->out, name);
    } else if (c->names != NULL && keep == KEEP_OWNER) {
        const char *id = strstr(v->text, "InstanceID=");

        if (id != NULL)
            capture_escape(c->out, id, strlen(id));
    } else {
        capture_escape(c->out, v->text, v->len);
    }
    buf_str(c->out, "</VALUE>");
}

static void put_property(struct capture_class *c, const struct kept *kept, const struct cim_property *p)
{
    const char *element = p->is_array ? "PROPERTY.ARRAY" : "PROPERTY";

    buf_printf(c->out, "<%s NAME=\"%s\" TYPE=\"%s\">", element, kept->name, kept->type);
    if (p->is_array && p->count > 0)
        buf_str(c->out, "<VALUE.ARRAY>\n");
    if (kept->keep == KEEP_ITEMS)
        put_items(c, p);
    for (int i = 0; kept->keep != KEEP_ITEMS && i < p->count; i++)
        put_value(c, &p->values[i], kept->keep);
    if (p->is_array && p->count > 0)
        buf_str(c->out, "</VALUE.ARRAY>");
    buf_printf(c->out, "</%s>\n", element);
}

static void take_instance(void *arg, const struct cim_instance *in)
{
    struct capture_class *c = arg;

    buf_str(c->out, "<INSTANCE CLASSNAME=\"");
    capture_escape(c->out, in->class_name, strlen(in->class_name));
    buf_str(c->out, "\">\n");
    for (int i = 0; i < c->kept->count; i++) {
        const struct cim_property *p = cim_find(in, c->kept->list[i].name);

        if (p != NULL)
            put_property(c, &c->kept->list[i], p);
    }
    buf_str(c->out, "</INSTANCE>\n");
}

int capture_class_add(struct capture_class *c, const char *class_name, const char *xml, size_t len, struct buf *out,
                      int *unread, struct err *e)
{
    const char *wanted[CIM_PROPERTIES_MAX + 1] = { NULL };
    struct cim_handler h = { .instance = take_instance, .problem = take_problem, .arg = c, .wanted = wanted };
    int rc;

    c->kept = &kept_classes[0];
    for (size_t i = 1; i < sizeof kept_classes / sizeof *kept_classes; i++) {
        if (strcmp(kept_classes[i].class_name, class_name) == 0)
            c->kept = &kept_classes[i];
    }
    assert(c->kept->count <= CIM_PROPERTIES_MAX);
    for (int i = 0; i < c->kept->count; i++)
        wanted[i] = c->kept->list[i].name;
    c->out = out;
    c->unread = 0;
    rc = cim_parse(c->outer, xml, len, &h, e);
    if (rc == 0 && buf_error(out) != ERR_OK)
        rc = err_set(e, buf_error(out), "%s is too large for a capture", class_name);
    *unread = c->unread;
    return rc;
}

int capture_class_new(struct capture_names *names, struct capture_class **out, struct err *e)
{
    struct capture_class *c = calloc(1, sizeof *c);
    int rc;

    if (c == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    c->names = names;
    buf_init(&c->item, CIM_VALUE_MAX);
    rc = cim_parser_new(&c->outer, e);
    if (rc == 0)
        rc = cim_parser_new(&c->inner, e);
    if (rc != 0) {
        capture_class_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void capture_class_free(struct capture_class *c)
{
    if (c == NULL)
        return;
    cim_parser_free(c->outer);
    cim_parser_free(c->inner);
    buf_free(&c->item);
    free(c);
}
