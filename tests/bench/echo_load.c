/* echo_load - unary gRPC calls of 128 bytes, so many at a time, for so many seconds.
 *
 *   echo_load PORT PATH CONNECTIONS STREAMS WARM_MS RUN_MS SERVER_PID [CERTS]
 *   echo_load --certs DIR        makes ca, echo (server) and bench (client) certificates
 *
 * One thread on nghttp2 and OpenSSL: no code of the servers it measures. Each answer must have
 * :status 200, grpc-status 0 and one whole message with the payload; one that has not ends the
 * run with exit 1. Prints one JSON object: what was measured after the warm-up.
 *
 * Bounded: RUN_MS at most a minute, 1,024 calls at a time, 1 GiB of memory, an alarm. */
#include "cli/pki/pki.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "tests/bench/h2conn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/resource.h>

#define PAYLOAD     128
#define MESSAGE     (3 + PAYLOAD) /* field 1, length 128 as a two-byte varint */
#define FRAME       (5 + MESSAGE)
#define MAX_CALLS   1024
#define MAX_CONNS   256
#define MAX_MS      60000
#define DRAIN_NS    (2000 * WARD_NS_PER_MS)
#define BUCKETS     4096 /* 64 a doubling: 1.6 % wide */
#define PER_DOUBLE  64
#define TICK_US     10000.0 /* /proc counts hundredths of a second */
#define LARGEST     ((rlim_t)1 << 30)
#define HEAD        8 /* of a reply: frame prefix, then field 1's tag and length */
#define DEADLINE_HD "10S"

struct call {
    int64_t began_ns;
    size_t sent, received;
    uint8_t head[HEAD];
    bool http_ok;
    int status;
};

/* A moment of all that is counted. */
struct mark {
    int64_t at_ns, done;
    double server_us, self_us, machine_us;
};

static struct {
    const char *path, *certs;
    char authority[32];
    int64_t port, connections, streams, warm_ms, run_ms, pid;
} opt;

static struct h2conn conns[MAX_CONNS];
static struct call calls[MAX_CALLS];
static uint8_t frame[FRAME];
static int64_t begun, done;
static bool measuring, stopping;
static const char *wrong; /* the first thing that was not as it must be */
static int64_t latency[BUCKETS];

/* ---- figures ---- */

static int bucket(int64_t ns)
{
    uint64_t v = ns < PER_DOUBLE ? PER_DOUBLE : (uint64_t)ns;
    int doubling = 63 - __builtin_clzll(v) - 6;
    int i = doubling * PER_DOUBLE + (int)((v >> doubling) - PER_DOUBLE);

    return i < BUCKETS ? i : BUCKETS - 1;
}

static double bucket_us(int i)
{
    return (double)((uint64_t)(PER_DOUBLE + i % PER_DOUBLE) << (i / PER_DOUBLE)) / 1e3;
}

static double quantile_us(double q)
{
    int64_t all = 0, seen = 0;

    for (int i = 0; i < BUCKETS; i++)
        all += latency[i];
    for (int i = 0; i < BUCKETS; i++) {
        seen += latency[i];
        if ((double)seen >= q * (double)all)
            return bucket_us(i);
    }
    return 0;
}

/* utime + stime of a process: fields 14 and 15, counted after the name's bracket. */
static double process_us(int64_t pid)
{
    char path[64], line[1024], *at;
    long long user = 0, system = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    f = fopen(path, "r");
    at = f != NULL && fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
    if (at == NULL || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld",
                             &user, &system) != 2)
        wrong = "the server's CPU time cannot be read";
    if (f != NULL)
        fclose(f);
    return (double)(user + system) * TICK_US;
}

/* Busy time of all cores: user, nice, system, irq, softirq, steal. */
static double machine_us(void)
{
    long long v[8] = {0};
    FILE *f = fopen("/proc/stat", "r");

    if (f == NULL || fscanf(f, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &v[0], &v[1],
                            &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
        wrong = "/proc/stat cannot be read";
    if (f != NULL)
        fclose(f);
    return (double)(v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) * TICK_US;
}

static struct mark mark(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (struct mark){
        .at_ns = ward_mono_ns(),
        .done = done,
        .server_us = process_us(opt.pid),
        .machine_us = machine_us(),
        .self_us = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
                   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
    };
}

static void print(const struct mark *a, const struct mark *b)
{
    double n = (double)(b->done - a->done), us = (double)(b->at_ns - a->at_ns) / 1e3;
    double server = b->server_us - a->server_us, self = b->self_us - a->self_us;
    double others = b->machine_us - a->machine_us - server - self;

    printf("{\"calls\":%.0f,\"per_s\":%.0f,\"server_us\":%.3f,\"client_us\":%.3f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"other_cores\":%.3f}\n",
           n, n / us * 1e6, server / n, self / n, quantile_us(0.5), quantile_us(0.99),
           others > 0 ? others / us : 0.0);
}

/* ---- calls ---- */

static ssize_t read_body(nghttp2_session *h2, int32_t id, uint8_t *out, size_t cap,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct call *call = source->ptr;
    size_t n = FRAME - call->sent < cap ? FRAME - call->sent : cap;

    (void)h2, (void)id, (void)user;
    memcpy(out, frame + call->sent, n);
    call->sent += n;
    if (call->sent == FRAME)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value),
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

static void begin(struct h2conn *c, struct call *call)
{
    const nghttp2_nv headers[] = {
        header(":method", "POST"),
        header(":scheme", opt.certs == NULL ? "http" : "https"),
        header(":path", opt.path),
        header(":authority", opt.authority),
        header("content-type", "application/grpc"),
        header("te", "trailers"),
        header("grpc-timeout", DEADLINE_HD),
        header("user-agent", "echo_load"),
    };
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_body};

    begun++;
    *call = (struct call){.began_ns = ward_mono_ns(), .status = -1};
    if (nghttp2_submit_request(c->h2, NULL, headers, sizeof(headers) / sizeof(*headers), &body,
                               call) < 0)
        wrong = "a call could not be begun";
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
                     void *user)
{
    struct call *call = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);

    (void)flags, (void)user;
    if (call == NULL)
        return 0;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0)
        call->http_ok = len == 3 && memcmp(value, "200", 3) == 0;
    else if (name_len == 11 && memcmp(name, "grpc-status", 11) == 0)
        call->status = len == 1 ? value[0] - '0' : 99;
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t n, void *user)
{
    struct call *call = nghttp2_session_get_stream_user_data(h2, id);

    (void)flags, (void)user;
    if (call == NULL)
        return 0;
    for (size_t i = 0; i < n && call->received + i < HEAD; i++)
        call->head[call->received + i] = data[i];
    call->received += n;
    return 0;
}

static const char *judge(const struct call *call, uint32_t error)
{
    static const uint8_t field[3] = {0x0a, (PAYLOAD & 0x7f) | 0x80, PAYLOAD >> 7};
    size_t len = (size_t)call->head[3] << 8 | call->head[4];

    if (error != 0)
        return "a stream was reset";
    if (!call->http_ok)
        return ":status is not 200";
    if (call->status != 0)
        return "grpc-status is not 0";
    if (call->received < FRAME || call->received != 5 + len ||
        memcmp(call->head + 5, field, sizeof(field)) != 0)
        return "a reply has not the payload's length";
    return NULL;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t error, void *user)
{
    struct call *call = nghttp2_session_get_stream_user_data(h2, id);
    const char *why;

    if (call == NULL)
        return 0;
    why = judge(call, error);
    if (why != NULL && wrong == NULL && !stopping)
        wrong = why;
    done++;
    if (measuring)
        latency[bucket(ward_mono_ns() - call->began_ns)]++;
    if (!stopping && wrong == NULL)
        begin(user, call);
    return 0;
}

/* ---- connections ---- */

static bool handshake(struct h2conn *c)
{
    static const unsigned char alpn[] = "\x02h2";

    SSL_set_alpn_protos(c->tls, alpn, sizeof(alpn) - 1);
    SSL_set_tlsext_host_name(c->tls, "localhost");
    return SSL_set1_host(c->tls, "localhost") == 1 && SSL_connect(c->tls) == 1;
}

static bool join(struct h2conn *c, int ep, SSL_CTX *ctx, nghttp2_session_callbacks *cb)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)opt.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !h2_init(c, ep, fd, ctx) ||
        connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        return false;
    if (c->tls != NULL && !handshake(c))
        return false;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return nghttp2_session_client_new(&c->h2, cb, c) == 0 &&
           nghttp2_submit_settings(c->h2, 0, settings, 2) == 0 &&
           nghttp2_session_set_local_window_size(c->h2, 0, 0, 1 << 26) == 0 &&
           epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void turn(int ep)
{
    struct epoll_event events[64];
    int n = epoll_wait(ep, events, 64, 100);

    for (int i = 0; i < n; i++) {
        struct h2conn *c = events[i].data.ptr;

        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && !h2_read(c))
            wrong = "the server closed a connection";
        if (!h2_flush(c))
            wrong = "a connection broke";
    }
}

static void run_until(int ep, int64_t at_ns)
{
    while (wrong == NULL && ward_mono_ns() < at_ns)
        turn(ep);
}

static int load(void)
{
    SSL_CTX *ctx = opt.certs == NULL ? NULL : h2_tls(TLS_client_method(), opt.certs, "bench");
    int ep = epoll_create1(EPOLL_CLOEXEC);
    nghttp2_session_callbacks *cb;
    struct mark from, to;

    if ((opt.certs != NULL && ctx == NULL) || nghttp2_session_callbacks_new(&cb) != 0)
        return 1;
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    for (int64_t i = 0; i < opt.connections && wrong == NULL; i++) {
        if (!join(&conns[i], ep, ctx, cb)) {
            wrong = "no connection to the server";
            break;
        }
        for (int64_t k = 0; k < opt.streams; k++)
            begin(&conns[i], &calls[i * opt.streams + k]);
        h2_flush(&conns[i]);
    }
    run_until(ep, ward_mono_ns() + opt.warm_ms * WARD_NS_PER_MS);
    measuring = true;
    from = mark();
    run_until(ep, from.at_ns + opt.run_ms * WARD_NS_PER_MS);
    to = mark();
    stopping = true;
    /* Calls under way end in peace: a server should not have to log their cancellation. */
    for (int64_t end = to.at_ns + DRAIN_NS; done < begun && ward_mono_ns() < end;)
        turn(ep);
    if (wrong == NULL && to.done == from.done)
        wrong = "no call came back";
    if (wrong != NULL) {
        fprintf(stderr, "echo_load: %s\n", wrong);
        return 1;
    }
    print(&from, &to);
    return 0;
}

static int make_certs(const char *dir)
{
    struct ward_err err = {0};

    if (ward_pki_ca(dir, &err) == WARD_OK && ward_pki_issue(dir, "echo", 24, &err) == WARD_OK &&
        ward_pki_issue(dir, "bench", 24, &err) == WARD_OK)
        return 0;
    fprintf(stderr, "echo_load: %s\n", err.msg);
    return 1;
}

static bool read_options(int argc, char **argv)
{
    if (argc != 8 && argc != 9)
        return false;
    opt.path = argv[2];
    opt.certs = argc == 9 ? argv[8] : NULL;
    return ward_i64(argv[1], 1, 65535, &opt.port) &&
           ward_i64(argv[3], 1, MAX_CONNS, &opt.connections) &&
           ward_i64(argv[4], 1, MAX_CALLS / opt.connections, &opt.streams) &&
           ward_i64(argv[5], 0, MAX_MS, &opt.warm_ms) &&
           ward_i64(argv[6], 1, MAX_MS, &opt.run_ms) &&
           ward_i64(argv[7], 1, INT32_MAX, &opt.pid);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--certs") == 0)
        return make_certs(argv[2]);
    if (!read_options(argc, argv)) {
        fprintf(stderr, "echo_load PORT PATH CONNECTIONS STREAMS WARM_MS RUN_MS SERVER_PID "
                        "[CERTS]\n");
        return 2;
    }
    setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = LARGEST, .rlim_max = LARGEST});
    alarm((unsigned)((opt.warm_ms + opt.run_ms) / 1000 + 20));
    snprintf(opt.authority, sizeof(opt.authority), "localhost:%d", (int)opt.port);
    frame[4] = MESSAGE;
    frame[5] = 0x0a;
    frame[6] = (PAYLOAD & 0x7f) | 0x80;
    frame[7] = PAYLOAD >> 7;
    for (int i = 0; i < PAYLOAD; i++)
        frame[8 + i] = (uint8_t)(i * 7);
    return load();
}
