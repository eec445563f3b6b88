/* A verdict's place in a hyperv.guest.dump observation. */
#ifndef COLLECTORS_DUMPS_VERDICT_H
#define COLLECTORS_DUMPS_VERDICT_H

#include "model/observation.h"
#include "triage/triage.h"

enum {
    DUMP_TEXT_MAX = 512,   /* bytes of one text; a longer one is cut */
    DUMP_LIST_MAX = 2048,  /* of a list joined to one text; what does not fit is counted */
    DUMP_WORDS_MAX = 1024, /* of dumps_verdict_words() */
};

/* Adds the attributes listed at ATTR_DUMP_VERDICT; a fact that the dump does
 * not have adds nothing. */
void dumps_verdict_put(struct observation *o, const struct triage_verdict *v);

/* "probably caused by storvsc.sys (storvsc+2b8), exact", for the sentence. */
void dumps_verdict_words(const struct triage_verdict *v, char *out, size_t size);

#endif
