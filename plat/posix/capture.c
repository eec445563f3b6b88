/* There is nothing to capture here: bundles come from Windows hosts. */
#include "plat/capture.h"

static int unsupported(struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "a Hyper-V host can be captured only on itself, on Windows");
}

int plat_capture_dir(const char *path, struct err *e)
{
    (void)path;
    return unsupported(e);
}

int plat_capture_channel(const char *channel, const char *path, struct err *e)
{
    (void)channel;
    (void)path;
    return unsupported(e);
}
