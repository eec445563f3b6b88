/* Any bytes as agent.yaml and hub.yaml: no crash, and either a filled struct
 * without a word or problems and an untouched one. */
#include "config/agent_config.h"
#include "config/hub_config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct agent_config agent;
    static struct hub_config hub;
    struct buf problems;
    int rc;

    buf_init(&problems, 1024 * 1024);
    rc = agent_config_parse("fuzz", (const char *)data, size, &agent, &problems);
    assert((rc == 0) == (problems.len == 0));
    buf_clear(&problems);
    rc = hub_config_parse("fuzz", (const char *)data, size, &hub, &problems);
    assert((rc == 0) == (problems.len == 0));
    buf_free(&problems);
    return 0;
}
