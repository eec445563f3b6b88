/* CIM XML of made-up virtual machines, as WMI's GetText prints it, and a WMI
 * stream over such texts. */
#ifndef TESTS_COLLECTORS_SUPPORT_KVP_H
#define TESTS_COLLECTORS_SUPPORT_KVP_H

#include "base/buf.h"
#include "model/observation.h"
#include "plat/wmi_stream.h"

/* "%08X-1111-2222-3333-444455556666"; static until the next call but seven. */
const char *vm_guid(unsigned n);

void xml_system(struct buf *b, const char *key, const char *name, int enabled_state);
void xml_component(struct buf *b, const char *class_name, const char *key, int enabled, int status0, int status1);
void xml_summary(struct buf *b, const char *key, int is_state);

/* A Msvm_KvpExchangeComponent: begin, items, end.  The items come as pairs of
 * name and value, NULL-ended; a NULL value is a PROPERTY without VALUE. */
void xml_kvp_begin(struct buf *b, const char *key);
void xml_kvp_items(struct buf *b, const char *property, const char *const *pairs);
void xml_kvp_raw_items(struct buf *b, const char *property, const char *const *items);
void xml_kvp_end(struct buf *b);
/* All three with GuestIntrinsicExchangeItems. */
void xml_kvp(struct buf *b, const char *key, const char *const *pairs);

enum { FAKE_WMI_CLASSES = 9 };

/* Answers every poll with the texts it holds. */
struct fake_wmi {
    struct wmi_stream base;
    struct buf text[FAKE_WMI_CLASSES]; /* as in wmi_wanted_classes; an empty one did not answer */
    int64_t time_ns;
    bool answered, complete;
    int rc; /* not 0: the poll fails with it */
    enum stream_state state;
    const char *gap; /* told at every poll; NULL none */
    int polls;
    bool closed;
};

void fake_wmi_init(struct fake_wmi *w);
void fake_wmi_free(struct fake_wmi *w);
struct buf *fake_wmi_text(struct fake_wmi *w, const char *class_name);

/* The batch's observation of that kind and VM (NULL: any); NULL when there is none. */
const struct observation *find_obs(const struct obs_batch *b, enum obs_kind kind, const char *vm_id);
int count_obs(const struct obs_batch *b, enum obs_kind kind);

#endif
