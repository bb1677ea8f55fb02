/* A connection of the h2 transport: frames in any order, with any bytes, time that passes and a
 * worker that answers between them. Whatever came, nothing of a call is left once the
 * connection has closed, and no more memory is held than a connection may hold.
 *
 * The input is a list of steps: an opcode's byte and what the opcode takes.
 *
 * max_len: 4096 */
#include "common/base/log.h"
#include "common/rpc/h2/session_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t byte(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

/* Up to `most` of what is left. */
static const uint8_t *part(struct input *in, size_t most, size_t *n)
{
    const uint8_t *at = in->p;

    *n = most < in->n ? most : in->n;
    in->p += *n;
    in->n -= *n;
    return at;
}

static int32_t stream(struct input *in)
{
    return byte(in) % 64; /* even ones, and 0, are no client's */
}

static void begin(struct input *in)
{
    static const char *const paths[] = {W_FAST, W_UNARY, W_WATCH, "/nobody/Home",
                                        "/ward.test.v1.Echo/Bidi"};
    static const char *const fields[][2] = {
        {NULL, NULL},           {"grpc-timeout", "10m"},   {"grpc-timeout", "soon"},
        {"x-a-bin", "YQ,YWI="}, {"grpc-encoding", "gzip"}, {"authorization", "Bearer x.y.z"}};
    size_t field = byte(in) % WARD_COUNT(fields);
    int32_t id = stream(in);

    w_begin(id, paths[byte(in) % WARD_COUNT(paths)], fields[field][0], fields[field][1]);
}

static void any_frame(struct input *in)
{
    uint8_t type = byte(in), flags = byte(in);
    int32_t id = stream(in);
    size_t n;
    const uint8_t *p = part(in, byte(in), &n);

    w_send_frame(type, flags, id, p, n);
}

static void data_frame(struct input *in)
{
    int32_t id = stream(in);
    bool end = byte(in) % 2 == 1;
    size_t n;
    const uint8_t *p = part(in, byte(in), &n);

    w_data(id, p, n, end);
}

static void window_update(struct input *in)
{
    int32_t id = stream(in);
    uint8_t by[4] = {byte(in), byte(in), byte(in), byte(in)};

    w_send_frame(NGHTTP2_WINDOW_UPDATE, 0, id, by, 4);
}

static void setting(struct input *in)
{
    uint8_t one[6] = {0, byte(in) % 8, byte(in), byte(in), byte(in), byte(in)};

    w_send_frame(NGHTTP2_SETTINGS, 0, 0, one, 6);
}

static void step(struct input *in)
{
    const uint8_t *p;
    size_t n;

    switch (byte(in) % 10) {
    case 0:
        any_frame(in);
        break;
    case 1:
        begin(in);
        break;
    case 2:
        data_frame(in);
        break;
    case 3:
        w_data(stream(in), w_empty, 5, true);
        break;
    case 4:
        w_send_frame(NGHTTP2_RST_STREAM, 0, stream(in), w_empty, 4);
        break;
    case 5:
        window_update(in);
        break;
    case 6:
        setting(in);
        break;
    case 7:
        w_later((int64_t)byte(in) * byte(in));
        break;
    case 8:
        health_set(w.rpc.health, NULL, byte(in) % 2 == 1);
        break;
    default:
        p = part(in, byte(in), &n);
        w_bytes(p, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool serves;
    struct input in = {data, size};

    if (!serves) {
        ward_log_level(WARD_LOG_ERROR);
        w_serve((struct ward_rpc_config){0});
    }
    serves = true;
    w_connect();
    if (byte(&in) % 8 != 0)
        w_preface();
    while (in.n > 0 && w.alive) {
        step(&in);
        WARD_ASSERT(w.session.h2_bytes <= H2_MEMORY);
        /* A message more than the limit, at most: the last one is let in before it is counted.
         */
        WARD_ASSERT(w.session.held <= w.srv.most_conn + w.rpc.cfg.max_message +
                                          (size_t)H2_STREAMS * H2_CALL_BYTES);
    }
    w_disconnect();
    return 0;
}
