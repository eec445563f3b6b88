/* Not on this system.  See plat/service_control.h. */
#include "plat/service_control.h"

static int unsupported(struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "only on Windows; here the init system runs it: systemctl status hvagent");
}

int service_control_install(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    (void)plan;
    (void)remarks;
    return unsupported(e);
}

int service_control_uninstall(struct buf *remarks, struct err *e)
{
    (void)remarks;
    return unsupported(e);
}

int service_control_start(struct err *e)
{
    return unsupported(e);
}

int service_control_stop(struct err *e)
{
    return unsupported(e);
}

int service_control_reload(struct err *e)
{
    return unsupported(e);
}

int service_control_standing(struct service_standing *out, struct err *e)
{
    (void)out;
    return unsupported(e);
}
