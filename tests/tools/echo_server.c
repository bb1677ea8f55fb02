/* echo_server - serves ward.test.v1.Echo through common/rpc, for tests and benches.
 *
 * Prints one line with its port once it serves; stops on SIGTERM; exits 70 when the watchdog
 * finds it broken, so that whoever started it starts it again. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/rpc/rpc.h"

#include "ward/test/v1/echo.pb-c.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef Ward__Test__V1__EchoRequest Request;
typedef Ward__Test__V1__EchoResponse Response;

#define MAX_SLEEP_MS 60000
#define BROKEN       70 /* exit status */

static int to_main[2]; /* a byte: 's' for a signal, 'b' for broken */

static void answer(const struct ward_call *c, const Request *q, Response *r)
{
    r->payload = q->payload;
    r->peer = (char *)(uintptr_t)c->peer;
    r->subject = (char *)(uintptr_t)(c->who == NULL ? "" : c->who->subject);
    r->trace_id = (char *)(uintptr_t)c->trace_id;
    r->left_ms = ward_left_ms(c->deadline_ns);
}

/* What the request asks for before it is answered: to sleep, to fail with its text. */
static enum ward_code obey(struct ward_call *c, const Request *q)
{
    int left = q->sleep_ms < MAX_SLEEP_MS ? q->sleep_ms : MAX_SLEEP_MS;

    for (; left > 0 && !ward_call_cancelled(c); left--)
        nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
    if (left > 0)
        return ward_left_ms(c->deadline_ns) == 0
                   ? WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed in the handler")
                   : WARD_FAIL(c->err, CANCELLED, "the handler saw the cancel");
    if (q->fail_code != 0)
        return ward_err_reason(c->err, (enum ward_code)q->fail_code, "ASKED_FOR", __FILE__,
                               __LINE__, "%s", *q->text == '\0' ? "failed as asked" : q->text);
    return WARD_OK;
}

static enum ward_code unary(struct ward_call *c, const Request *q, Response *r)
{
    WARD_TRY(obey(c, q));
    answer(c, q, r);
    return WARD_OK;
}

/* payload "forget" leaves no audit event, which the server must notice. */
static enum ward_code guarded(struct ward_call *c, const Request *q, Response *r)
{
    c->audited = q->payload.len != 6 || memcmp(q->payload.data, "forget", 6) != 0;
    return unary(c, q, r);
}

static enum ward_code server_stream(struct ward_call *c, const Request *q)
{
    Response r = WARD__TEST__V1__ECHO_RESPONSE__INIT;

    for (int i = 0; i < q->repeat; i++) {
        WARD_TRY(obey(c, q));
        answer(c, q, &r);
        r.received = i + 1;
        WARD_TRY(ward_send(c, &r.base));
    }
    return WARD_OK;
}

static enum ward_code client_stream(struct ward_call *c, Response *r)
{
    const ProtobufCMessage *q;
    int n = 0;

    for (;;) {
        WARD_TRY(ward_recv(c, &q));
        if (q == NULL)
            break;
        WARD_TRY(obey(c, (const Request *)q));
        n++;
    }
    r->received = n;
    r->peer = (char *)(uintptr_t)c->peer;
    return WARD_OK;
}

static enum ward_code bidi(struct ward_call *c)
{
    Response r = WARD__TEST__V1__ECHO_RESPONSE__INIT;
    const ProtobufCMessage *q;

    for (;;) {
        WARD_TRY(ward_recv(c, &q));
        if (q == NULL)
            return WARD_OK;
        WARD_TRY(obey(c, (const Request *)q));
        answer(c, (const Request *)q, &r);
        r.received++;
        WARD_TRY(ward_send(c, &r.base));
    }
}

WARD_UNARY(unary, Request, Response)
WARD_UNARY(guarded, Request, Response)
WARD_SERVER_STREAM(server_stream, Request)
WARD_CLIENT_STREAM(client_stream, Response)
WARD_BIDI(bidi)

#define TYPES                                                                                  \
    &ward__test__v1__echo_request__descriptor, &ward__test__v1__echo_response__descriptor
static const struct ward_method methods[] = {
    {"/ward.test.v1.Echo/Fast", unary_rpc, TYPES},
    {"/ward.test.v1.Echo/Unary", unary_rpc, TYPES},
    {"/ward.test.v1.Echo/Bedside", unary_rpc, TYPES},
    {"/ward.test.v1.Echo/Guarded", guarded_rpc, TYPES},
    {"/ward.test.v1.Echo/Closed", unary_rpc, TYPES},
    {"/ward.test.v1.Echo/ServerStream", server_stream_rpc, TYPES},
    {"/ward.test.v1.Echo/ClientStream", client_stream_rpc, TYPES},
    {"/ward.test.v1.Echo/Bidi", bidi_rpc, TYPES},
    {0},
};

struct options {
    const char *listen, *cert, *key, *ca, *jwks, *issuer, *audience;
    int workers, streams, pollers, queue, grace_ms, nofile, watchdog_ms, rss_mib;
    int handshake_ms, max_age_ms, arena_kib, max_message_kib, quiet;
};

#define TEXT(name)                                                                             \
    {                                                                                          \
        "--" #name, offsetof(struct options, name), true                                       \
    }
#define NUMBER(flag, name)                                                                     \
    {                                                                                          \
        "--" flag, offsetof(struct options, name), false                                       \
    }
static const struct {
    const char *flag;
    size_t at;
    bool text;
} table[] = {
    TEXT(listen),
    TEXT(cert),
    TEXT(key),
    TEXT(ca),
    TEXT(jwks),
    TEXT(issuer),
    TEXT(audience),
    NUMBER("workers", workers),
    NUMBER("streams", streams),
    NUMBER("pollers", pollers),
    NUMBER("queue", queue),
    NUMBER("grace-ms", grace_ms),
    NUMBER("nofile", nofile),
    NUMBER("watchdog-ms", watchdog_ms),
    NUMBER("rss-mib", rss_mib),
    NUMBER("handshake-ms", handshake_ms),
    NUMBER("max-age-ms", max_age_ms),
    NUMBER("arena-kib", arena_kib),
    NUMBER("max-message-kib", max_message_kib),
    NUMBER("quiet", quiet), /* logs errors only: no line for each call that is refused */
};

static bool read_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t k = 0;
        int64_t n = 0;

        while (k < WARD_COUNT(table) && strcmp(table[k].flag, argv[i]) != 0)
            k++;
        if (k == WARD_COUNT(table) ||
            (!table[k].text && !ward_i64(argv[i + 1], 0, INT32_MAX, &n))) {
            fprintf(stderr, "echo_server: %s %s is not understood\n", argv[i], argv[i + 1]);
            return false;
        }
        if (table[k].text)
            *(const char **)(void *)((char *)o + table[k].at) = argv[i + 1];
        else
            *(int *)(void *)((char *)o + table[k].at) = (int)n;
    }
    return argc % 2 == 1;
}

static void on_refused(struct ward_call *c, enum ward_code code)
{
    WARD_LOG(INFO, "refused", WARD_KV("code", ward_code_name(code)), WARD_KV("peer", c->peer),
             WARD_KV("subject", c->who == NULL ? "" : c->who->subject));
}

static void tell(char what)
{
    if (write(to_main[1], &what, 1) < 0)
        return; /* the pipe holds a byte already: main stops */
}

static void on_signal(int sig)
{
    (void)sig;
    tell('s');
}

/* As common/app does: what a flood has filled may take seconds to stop. */
static void *last_resort(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500 * WARD_NS_PER_MS}, NULL);
    _exit(BROKEN);
}

static void on_broken(void *arg, const char *why)
{
    pthread_t t;

    (void)arg, (void)why;
    if (pthread_create(&t, NULL, last_resort, NULL) == 0)
        pthread_detach(t);
    tell('b');
}

static enum ward_code serve(const struct options *o, struct ward_jwks **jwks,
                            struct ward_rpc **rpc, struct ward_err *err)
{
    struct ward_rpc_config cfg = {
        .listen = o->listen,
        .tls = {.cert = o->cert, .key = o->key, .ca = o->ca},
        .workers = o->workers,
        .streams = o->streams,
        .pollers = o->pollers,
        .queue = o->queue,
        .arena_cap = (size_t)o->arena_kib << 10,
        .max_message = (size_t)o->max_message_kib << 10,
        .handshake_ms = o->handshake_ms,
        .max_age_ms = o->max_age_ms,
        .watchdog_ms = o->watchdog_ms,
        .watchdog_rss = (size_t)o->rss_mib << 20,
        .methods = methods,
        .refused = on_refused,
        .broken = on_broken,
    };

    if (*o->jwks != '\0')
        WARD_TRY(ward_jwks_open(
            &(struct ward_jwks_config){
                .path = o->jwks, .issuer = o->issuer, .audience = o->audience, .skew_s = 30},
            jwks, err));
    cfg.jwks = *jwks;
    return ward_rpc_start(&cfg, rpc, err);
}

int main(int argc, char **argv)
{
    struct options o = {.listen = "127.0.0.1:0",
                        .cert = "",
                        .key = "",
                        .ca = "",
                        .jwks = "",
                        .issuer = "",
                        .audience = "",
                        .workers = 4,
                        .streams = 4,
                        .queue = 256,
                        .grace_ms = 2000,
                        .arena_kib = 1024};
    struct ward_jwks *jwks = NULL;
    struct ward_rpc *rpc = NULL;
    struct ward_err err = {0};
    char what = 's';

    ward_log_begin("echo");
    if (!read_options(&o, argc, argv) || pipe(to_main) != 0)
        return 2;
    if (o.quiet > 0)
        ward_log_level(WARD_LOG_ERROR);
    if (o.nofile > 0)
        setrlimit(RLIMIT_NOFILE,
                  &(struct rlimit){.rlim_cur = (rlim_t)o.nofile, .rlim_max = (rlim_t)o.nofile});
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    if (serve(&o, &jwks, &rpc, &err) != WARD_OK) {
        ward_log_err(WARD_LOG_ERROR, "cannot serve", &err);
        return 1;
    }
    ward_rpc_serving(rpc, NULL, true);
    printf("%d\n", ward_rpc_port(rpc));
    fflush(stdout);
    while (read(to_main[0], &what, 1) < 0)
        ; /* EINTR */
    ward_rpc_stop(rpc, what == 'b' ? 500 : o.grace_ms);
    ward_jwks_close(jwks);
    return what == 'b' ? BROKEN : 0;
}
