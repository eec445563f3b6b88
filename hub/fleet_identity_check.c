/* May this speaker say this?  Asked for each agent of each request, inside the
 * transaction that would store it (fleet_apply.c).  The rules are in fleet_identity.h. */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_identity_body.h"

#include <stdio.h>
#include <string.h>

struct check {
    struct fleet_body *b;
    int64_t now;
    const struct fleet_speaker *speaker;
    const struct resource *who;
    struct fleet_standing st;
    bool refused;
    char *why;
    size_t size;
};

static void refuse(struct check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void refuse(struct check *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->why, c->size, fmt, ap);
    va_end(ap);
    c->refused = true;
    log_event(LOG_WARN, "ingest.refused", LOG_S("agent_id", c->who->agent_id), LOG_S("host_id", c->who->host_id),
              LOG_S("problem", c->why));
}

/* The finding hangs on whose name was used, so that a stranger can not fill the table. */
static int mismatch(struct check *c, const char *host_id, const char *agent_id, struct err *e)
{
    struct fleet_finding f = { .kind = FINDING_IDENTITY, .first_time = c->now, .last_time = c->now };

    text_copy(f.host_id, sizeof f.host_id, host_id);
    text_copy(f.agent_id, sizeof f.agent_id, agent_id);
    text_clean(f.text, sizeof f.text, c->why, strlen(c->why), NULL);
    return c->b->ops->finding_put(c->b, &f, e);
}

static int check_enrolled(struct check *c, struct err *e)
{
    const struct fleet_speaker *s = c->speaker;
    const struct resource *who = c->who;

    if (c->st.revoked > 0 || c->st.host_banned > 0) {
        refuse(c, "the certificate of host %s was revoked; enrol it anew if it may come back", s->host_id);
        return 0;
    }
    if (strcmp(who->agent_id, s->agent_id) != 0) {
        refuse(c, "the certificate of host %s and agent %s was used to speak for agent %s of host %s", s->host_id,
               s->agent_id, who->agent_id, who->host_id);
        return mismatch(c, s->host_id, s->agent_id, e);
    }
    if (strcmp(who->host_id, s->host_id) != 0) {
        refuse(c,
               "the certificate of host %s is used on host %s: a cloned host; stop the agent on the clone, remove its"
               " store, start it",
               s->host_id, who->host_id);
        return mismatch(c, s->host_id, s->agent_id, e);
    }
    return c->st.first_used == 0 ? c->b->ops->identity->issued_used(c->b, s->serial, c->now, e) : 0;
}

static int bind_first(struct check *c, struct err *e)
{
    struct fleet_bound bound = { .since = c->now };

    text_copy(bound.agent_id, sizeof bound.agent_id, c->who->agent_id);
    text_copy(bound.host_id, sizeof bound.host_id, c->who->host_id);
    text_copy(bound.holder, sizeof bound.holder, c->speaker->holder);
    return c->b->ops->identity->bound_put(c->b, &bound, e);
}

static int check_other(struct check *c, struct err *e)
{
    const struct fleet_speaker *s = c->speaker;
    bool theirs = strcmp(c->st.holder, IDENTITY_ENROLLED) == 0;

    if (c->st.host_banned > 0) {
        refuse(c, "host %s was revoked", c->who->host_id);
        return 0;
    }
    if (c->st.host_enrolled > 0 && !theirs) {
        refuse(c, "host %s has enrolled, and agent %s without its certificate spoke for it (%s)", c->who->host_id,
               c->who->agent_id, s->holder[0] != '\0' ? s->holder : "nothing was shown");
        return mismatch(c, c->who->host_id, "", e);
    }
    if (c->st.holder[0] == '\0')
        return s->bind && s->holder[0] != '\0' ? bind_first(c, e) : 0;
    if (strcmp(c->st.holder, s->holder) == 0 || (!theirs && !s->bind))
        return 0;
    refuse(c, "agent id %s of host %s belongs to %s, and %s was shown; `hvhub enroll forget --agent %s` unties them",
           c->who->agent_id, c->st.bound_host, theirs ? "the certificate that it was enrolled with" : c->st.holder,
           s->holder[0] != '\0' ? s->holder : "nothing", c->who->agent_id);
    return mismatch(c, c->st.bound_host, c->who->agent_id, e);
}

int fleet_identity_check(struct fleet_body *b, int64_t now, const struct fleet_speaker *speaker,
                         const struct resource *who, bool *refused, char *why, size_t size, struct err *e)
{
    struct check c = { .b = b, .now = now, .speaker = speaker, .who = who, .why = why, .size = size };
    const char *host = speaker->enrolled ? speaker->host_id : who->host_id;
    int rc = b->ops->identity->standing(b, who->agent_id, host, speaker->serial, &c.st, e);

    if (rc == 0)
        rc = speaker->enrolled ? check_enrolled(&c, e) : check_other(&c, e);
    *refused = c.refused;
    return rc;
}
