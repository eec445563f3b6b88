/* What a KVP source has told, as it stands in its mark.
 *
 * For every VM told: its id and the hash of what was said of it, so that a
 * restart repeats nothing and a VM that is gone is missed.  A mark holds
 * SOURCE_MARK_MAX bytes, which is 1,500 to 2,000 VMs; above that it carries one
 * digest over all of them: a restart then repeats nothing if nothing has
 * changed, repeats everything if something has, and does not notice that a VM
 * went while the agent was down.
 *
 * The mark, one line (numbers decimal, hashes hexadecimal):
 *   kvp/1 at=GUID|- all=0|1 full=NS problems=H digest=H vms=N|- BASE64 stream=LEN BYTES
 * BASE64 holds N times 16 bytes of id and 8 of hash, by id.
 */
#ifndef COLLECTORS_KVP_STATE_H
#define COLLECTORS_KVP_STATE_H

#include "base/buf.h"
#include "base/error.h"
#include "model/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KVP_ID_BYTES = 16, KVP_STREAM_MARK_MAX = 16 * 1024 };

struct kvp_known {
    unsigned char id[KVP_ID_BYTES]; /* in the order of the text, so both sort alike */
    bool told;
    uint64_t hash; /* of what was told */
    int64_t vm;    /* in the round at hand: its index in the poll; -1 not in it */
};

struct kvp_state {
    struct buf stream;      /* the stream's mark, after the last poll that was told to the end */
    char at[GUID_TEXT_MAX]; /* the round at hand is told up to this id; "" none is at hand */
    bool all;               /* this round tells every VM, changed or not */
    int64_t full_ns;        /* wall clock, when the last such round began; 0 never */
    uint64_t problems;      /* hash of the problems that were told */
    uint64_t digest;        /* of known, as it was in the mark */
    bool digest_only;       /* the mark had no list: known is empty and says nothing */
    struct kvp_known *known;
    size_t count, cap;
};

void kvp_state_init(struct kvp_state *s);
void kvp_state_free(struct kvp_state *s);

/* From a mark.  "" and a mark that is damaged give an empty state: everything
 * is told anew, which does no harm. */
MUST_USE int kvp_state_read(struct kvp_state *s, const char *mark, struct err *e);
MUST_USE int kvp_state_write(const struct kvp_state *s, struct buf *mark, struct err *e);

/* Makes room for count entries. */
MUST_USE int kvp_state_reserve(struct kvp_state *s, size_t count, struct err *e);

/* The digest of what is known now. */
uint64_t kvp_state_digest(const struct kvp_state *s);

void kvp_id_from_text(const char *guid, unsigned char *id);
void kvp_id_to_text(const unsigned char *id, char *guid); /* GUID_TEXT_MAX bytes */

#endif
