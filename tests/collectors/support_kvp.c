/* See support_kvp.h. */
#include "tests/collectors/support_kvp.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

const char *vm_guid(unsigned n)
{
    static char text[8][40];
    static int next;
    char *out = text[next++ % 8];

    snprintf(out, sizeof text[0], "%08X-1111-2222-3333-444455556666", n);
    return out;
}

static void escape(struct buf *b, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '<':
            buf_str(b, "&lt;");
            break;
        case '>':
            buf_str(b, "&gt;");
            break;
        case '&':
            buf_str(b, "&amp;");
            break;
        case '"':
            buf_str(b, "&quot;");
            break;
        default:
            buf_char(b, text[i]);
        }
    }
}

static void property(struct buf *b, const char *name, const char *type, const char *value)
{
    buf_printf(b, "<PROPERTY NAME=\"%s\" TYPE=\"%s\">", name, type);
    if (value != NULL) {
        buf_str(b, "<VALUE>");
        escape(b, value, strlen(value));
        buf_str(b, "</VALUE>");
    }
    buf_str(b, "</PROPERTY>\r\n");
}

static void number(struct buf *b, const char *name, int value)
{
    char text[16];

    snprintf(text, sizeof text, "%d", value);
    property(b, name, "uint16", text);
}

void xml_system(struct buf *b, const char *key, const char *name, int enabled_state)
{
    buf_str(b, "<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\">\r\n");
    property(b, "Caption", "string", "Virtual Machine");
    property(b, "ElementName", "string", name);
    number(b, "EnabledState", enabled_state);
    property(b, "Name", "string", key);
    buf_str(b, "</INSTANCE>\r\n");
}

void xml_component(struct buf *b, const char *class_name, const char *key, int enabled, int status0, int status1)
{
    buf_printf(b, "<INSTANCE CLASSNAME=\"%s\">\r\n", class_name);
    number(b, "EnabledState", enabled);
    buf_printf(
        b,
        "<PROPERTY.ARRAY NAME=\"OperationalStatus\" TYPE=\"uint16\"><VALUE.ARRAY><VALUE>%d</VALUE><VALUE>%d</VALUE>"
        "</VALUE.ARRAY></PROPERTY.ARRAY>\r\n",
        status0, status1);
    property(b, "SystemName", "string", key);
    buf_str(b, "</INSTANCE>\r\n");
}

void xml_summary(struct buf *b, const char *key, int is_state)
{
    buf_str(b, "<INSTANCE CLASSNAME=\"Msvm_SummaryInformation\">\r\n");
    number(b, "IntegrationServicesVersionState", is_state);
    property(b, "Name", "string", key);
    buf_str(b, "</INSTANCE>\r\n");
}

void xml_kvp_begin(struct buf *b, const char *key)
{
    buf_str(b, "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeComponent\">\r\n");
    number(b, "EnabledState", 2);
    property(b, "SystemName", "string", key);
}

void xml_kvp_end(struct buf *b)
{
    buf_str(b, "</INSTANCE>\r\n");
}

void xml_kvp_raw_items(struct buf *b, const char *property_name, const char *const *items)
{
    buf_printf(b, "<PROPERTY.ARRAY NAME=\"%s\" TYPE=\"string\"><VALUE.ARRAY>\r\n", property_name);
    for (; *items != NULL; items++) {
        buf_str(b, "<VALUE>");
        escape(b, *items, strlen(*items));
        buf_str(b, "</VALUE>\r\n");
    }
    buf_str(b, "</VALUE.ARRAY></PROPERTY.ARRAY>\r\n");
}

void xml_kvp_items(struct buf *b, const char *property_name, const char *const *pairs)
{
    struct buf item;

    buf_init(&item, 1 << 25);
    buf_printf(b, "<PROPERTY.ARRAY NAME=\"%s\" TYPE=\"string\"><VALUE.ARRAY>\r\n", property_name);
    for (; *pairs != NULL; pairs += 2) {
        buf_clear(&item);
        buf_str(&item, "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\">");
        property(&item, "Caption", "string", NULL);
        property(&item, "Data", "string", pairs[1]);
        property(&item, "Name", "string", pairs[0]);
        property(&item, "Source", "uint16", "2");
        buf_str(&item, "</INSTANCE>");
        buf_str(b, "<VALUE>");
        escape(b, item.data, item.len);
        buf_str(b, "</VALUE>\r\n");
    }
    buf_str(b, "</VALUE.ARRAY></PROPERTY.ARRAY>\r\n");
    buf_free(&item);
}

void xml_kvp(struct buf *b, const char *key, const char *const *pairs)
{
    xml_kvp_begin(b, key);
    xml_kvp_items(b, "GuestIntrinsicExchangeItems", pairs);
    xml_kvp_end(b);
}

static int fake_poll(struct wmi_stream *s, const char *mark, int64_t deadline_ns, const struct wmi_sink *sink,
                     struct buf *new_mark, struct wmi_poll *out, struct err *e)
{
    struct fake_wmi *w = (struct fake_wmi *)s;

    (void)mark;
    (void)deadline_ns;
    (void)new_mark;
    w->polls++;
    if (w->rc != 0)
        return err_set(e, (enum err_code)w->rc, "the fake fails as told");
    out->report.state = w->state;
    out->answered = w->answered;
    out->complete = w->complete;
    out->time_ns = w->time_ns;
    for (int i = 0; w->answered && wmi_wanted_classes[i] != NULL; i++) {
        if (w->text[i].len > 0)
            sink->instances(sink->arg, wmi_wanted_classes[i], w->text[i].data, w->text[i].len, wmi_wanted_classes[i]);
    }
    if (w->gap != NULL)
        sink->gap(sink->arg, "record-unreadable", w->gap);
    return 0;
}

static void fake_close(struct wmi_stream *s)
{
    ((struct fake_wmi *)s)->closed = true;
}

void fake_wmi_init(struct fake_wmi *w)
{
    static const struct wmi_stream_ops ops = { .poll = fake_poll, .close = fake_close };

    memset(w, 0, sizeof *w);
    w->base.ops = &ops;
    w->time_ns = 1000;
    w->answered = true;
    w->complete = true;
    for (int i = 0; i < FAKE_WMI_CLASSES; i++)
        buf_init(&w->text[i], 256u << 20);
}

void fake_wmi_free(struct fake_wmi *w)
{
    for (int i = 0; i < FAKE_WMI_CLASSES; i++)
        buf_free(&w->text[i]);
}

struct buf *fake_wmi_text(struct fake_wmi *w, const char *class_name)
{
    for (int i = 0; wmi_wanted_classes[i] != NULL; i++) {
        if (strcmp(wmi_wanted_classes[i], class_name) == 0)
            return &w->text[i];
    }
    ck_abort_msg("no class %s", class_name);
    return NULL;
}

const struct observation *find_obs(const struct obs_batch *b, enum obs_kind kind, const char *vm_id)
{
    for (const struct observation *o = b->first; o != NULL; o = o->next) {
        if (o->kind == kind && (vm_id == NULL || strcmp(obs_get_str(o, ATTR_VM_ID), vm_id) == 0))
            return o;
    }
    return NULL;
}

int count_obs(const struct obs_batch *b, enum obs_kind kind)
{
    int n = 0;

    for (const struct observation *o = b->first; o != NULL; o = o->next)
        n += o->kind == kind;
    return n;
}
