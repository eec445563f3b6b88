/* Any bytes on the status socket of a real agent: every answer is a line of JSON with "v", and the agent goes on.
 *
 * The first byte says in how large pieces the rest is sent.  The client half-closes after it and reads to the end. */
#include "agent/agent.h"
#include "base/log.h"
#include "plat/clock.h"
#include "plat/paths.h"
#include "plat/random.h"
#include "transport/http_curl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One request more than a client may send in one go would wait for the answer to the first: the answers to all of
 * INPUT_MAX fit into the ceiling. */
enum { INPUT_MAX = 16 * 1024, ANSWERS_MAX = 64 * 1024 * 1024 };

static struct {
    uv_loop_t loop;
    struct agent_config config;
    struct agent_options options;
    struct agent *agent;
    char dir[FILES_PATH_MAX];
    bool ended;
} rig;

static void on_ended(void *arg)
{
    (void)arg;
    rig.ended = true;
}

static void end(void)
{
    agent_stop(rig.agent);
    while (!rig.ended)
        uv_run(&rig.loop, UV_RUN_ONCE);
    if (agent_end(rig.agent) == AGENT_STOPPED)
        agent_free(rig.agent);
    plat_remove_tree(rig.dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct err e;

    (void)argc;
    (void)argv;
    log_set_level(LOG_ERROR);
    if (uv_loop_init(&rig.loop) != 0 || plat_temp_dir("fuzz", rig.dir, sizeof rig.dir, &e) != 0)
        abort();
    agent_config_defaults(&rig.config);
    snprintf(rig.config.data_dir, sizeof rig.config.data_dir, "%.200s/store", rig.dir);
    snprintf(rig.config.socket, sizeof rig.config.socket, "%.80s/s", rig.dir);
    rig.options = (struct agent_options){ .loop = &rig.loop,
                                          .config = &rig.config,
                                          .clock = plat_clock(),
                                          .random = plat_random(),
                                          .files = plat_files(),
                                          .http = http_curl_new,
                                          .no_live = true,
                                          .ended = on_ended };
    if (agent_start(&rig.agent, &rig.options, &e) != 0) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    atexit(end);
    return 0;
}

static int connected(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert(strlen(rig.config.socket) < sizeof a.sun_path);
    memcpy(a.sun_path, rig.config.socket, strlen(rig.config.socket));
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a) != 0 || fcntl(s, F_SETFL, O_NONBLOCK) != 0)
        abort();
    return s;
}

/* True when there is no more to come. */
static bool read_some(int s, struct buf *answers)
{
    char bytes[65536];
    ssize_t n = read(s, bytes, sizeof bytes);

    if (n > 0)
        buf_add(answers, bytes, (size_t)n);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void check_answers(const struct buf *answers)
{
    const char *at = buf_text(answers);

    assert(buf_error(answers) == ERR_OK);
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        json_t *json = json_loadb(at, len, 0, NULL);

        assert(at[len] == '\n' && json_integer_value(json_object_get(json, "v")) == 1);
        json_decref(json);
        at += len + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? (size_t)data[0] * 16 + 1 : 1, at = size > 0 ? 1 : 0;
    struct buf answers;
    bool over = false;
    int s;

    if (size > INPUT_MAX)
        return 0;
    buf_init(&answers, ANSWERS_MAX);
    s = connected();
    while (at < size && !over) {
        ssize_t n = send(s, data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL);

        over = n < 0 && errno != EAGAIN;
        at += n > 0 ? (size_t)n : 0;
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        over |= read_some(s, &answers);
    }
    shutdown(s, SHUT_WR);
    while (!over && !read_some(s, &answers))
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    close(s);
    check_answers(&answers);
    buf_free(&answers);
    return 0;
}
