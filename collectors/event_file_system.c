/* Saved .evtx files where the system reads them itself (plat/saved_log.h): takes
 * the place of event_file_evtx.c and event_evtx.c on such a system. */
#include "collectors/event_file.h"
#include "collectors/eventlog.h"
#include "plat/saved_log.h"

int event_file_evtx(const struct files *files, const char *path, struct event_stream **out, struct err *e)
{
    (void)files; /* the system opens it by its path */
    return plat_saved_log_stream(path, out, e);
}

const char *event_file_evtx_path(const struct event_stream *stream)
{
    return plat_saved_log_path(stream);
}
