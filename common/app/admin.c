#include "common/app/admin.h"
#include "common/app/metrics_text.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct conn {
    struct ward_admin *admin;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    uv_shutdown_t shutdown;
    int handles; /* number of open handles; the last handle to close frees the connection */
    bool answered;
    struct ward_admin_request req;
    char in[2048];
    char *out;
    size_t n_out;
    struct conn *next, **prev;
};

struct ward_admin {
    struct ward_app *app;
    uv_tcp_t tcp;
    struct conn *conns;
};

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;

    if (--c->handles > 0)
        return;
    *c->prev = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    free(c->out);
    free(c);
}

static void hang_up(struct conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_timer(uv_timer_t *t)
{
    hang_up(t->data);
}

static void on_shut(uv_shutdown_t *s, int status)
{
    struct conn *c = s->data;

    if (status != 0)
        /* after success, the peer's end of file or the timer closes the connection */
        hang_up(c);
}

static void on_written(uv_write_t *w, int status)
{
    struct conn *c = w->data;

    c->shutdown.data = c;
    if (status != 0 || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shut) != 0)
        hang_up(c);
}

/* Copies head and body into one buffer. Returns false if there is no memory. */
static bool compose(struct conn *c, int status)
{
    const char *path = c->req.path;
    char *body = NULL;
    size_t n_body = 0;
    FILE *f = open_memstream(&body, &n_body);

    if (f == NULL)
        return false;
    if (status == 200)
        status = ward_admin_answer(c->admin->app, &c->req, f);
    else
        fprintf(f, "%s\n", ward_admin_status_text(status));
    if (fclose(f) == 0 && (f = open_memstream(&c->out, &c->n_out)) != NULL) {
        fprintf(f,
                "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                "Cache-Control: no-store\r\nConnection: close\r\n%s\r\n",
                status, ward_admin_status_text(status),
                status == 200 && strcmp(path, "/metrics") == 0 ? WARD_METRICS_TYPE
                                                               : "text/plain; charset=utf-8",
                n_body, status == 405 ? "Allow: GET, PUT\r\n" : "");
        fwrite(body, 1, n_body, f);
        if (fclose(f) != 0)
            c->n_out = 0;
    }
    free(body);
    return c->out != NULL && c->n_out > 0;
}

static void answer(struct conn *c, int status)
{
    uv_buf_t buf;

    c->answered = true;
    if (!compose(c, status)) {
        hang_up(c);
        return;
    }
    buf = uv_buf_init(c->out, (unsigned)c->n_out);
    c->write.data = c;
    uv_timer_start(&c->timer, on_timer, (uint64_t)c->admin->app->admin_ms, 0);
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0)
        hang_up(c);
}

static void on_buffer(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
    struct conn *c = h->data;

    (void)n;
    *buf = uv_buf_init(c->in, sizeof(c->in));
}

static bool is_ours(const struct conn *c)
{
    struct sockaddr_storage peer = {0}, self = {0};
    int n_peer = sizeof(peer), n_self = sizeof(self);

    return uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&peer, &n_peer) == 0 &&
           uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&self, &n_self) == 0 &&
           ward_admin_peer_is_ours(&peer, &self);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = s->data;
    int status;

    if (n < 0) {
        hang_up(c);
        return;
    }
    /* The server reads and drops data after the request. Otherwise, closing the connection
     * would reset the answer in transit. */
    if (n == 0 || c->answered)
        return;
    status = ward_admin_request_feed(&c->req, buf->base, (size_t)n);
    if (status == 200 && strcmp(c->req.method, "PUT") == 0)
        c->req.ours = is_ours(c);
    if (status != 0)
        answer(c, status);
}

/* Called after a new connection became the first of the list. If too many connections are open,
 * closes the oldest connection without a complete request. If every connection has a complete
 * request, closes the oldest connection. */
static void make_room(struct ward_admin *a)
{
    struct conn *oldest = NULL, *idle = NULL;
    int open = 1;

    for (struct conn *c = a->conns->next; c != NULL; c = c->next) {
        if (uv_is_closing((uv_handle_t *)&c->tcp))
            continue;
        open++;
        oldest = c;
        if (!c->answered)
            idle = c;
    }
    if (open > WARD_ADMIN_CONNS)
        hang_up(idle != NULL ? idle : oldest);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct ward_admin *a = server->data;
    struct conn *c;

    if (status != 0 || (c = calloc(1, sizeof(*c))) == NULL)
        return;
    c->admin = a;
    c->handles = 2;
    c->next = a->conns;
    c->prev = &a->conns;
    if (c->next != NULL)
        c->next->prev = &c->next;
    a->conns = c;
    ward_admin_request_init(&c->req);
    uv_tcp_init(server->loop, &c->tcp);
    uv_timer_init(server->loop, &c->timer);
    c->tcp.data = c->timer.data = c;
    uv_timer_start(&c->timer, on_timer, (uint64_t)a->app->admin_ms, 0);
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_buffer, on_read) != 0)
        hang_up(c);
    else
        make_room(a);
}

/* Examples: "127.0.0.1:0", "[::]:9090", "localhost:9090". */
static enum ward_code address(const char *listen, struct sockaddr_storage *out,
                              struct ward_err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST,
                                   .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(listen, ':');
    struct addrinfo *found = NULL;
    char host[64];
    size_t n = colon == NULL ? 0 : (size_t)(colon - listen);

    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']')
        snprintf(host, sizeof(host), "%.*s", (int)n - 2, listen + 1);
    else
        snprintf(host, sizeof(host), "%.*s", (int)n, listen);
    if (strcmp(host, "localhost") == 0)
        snprintf(host, sizeof(host), "127.0.0.1");
    if (n == 0 || getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "WARD_ADMIN_LISTEN must be a numeric address and a port, as in "
                         "127.0.0.1:9090");
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return WARD_OK;
}

enum ward_code ward_admin_open(struct ward_app *app, uv_loop_t *loop, const char *listen,
                               struct ward_admin **out, int *port, struct ward_err *err)
{
    struct sockaddr_storage addr;
    int n = sizeof(addr), rc;
    struct ward_admin *a;

    WARD_TRY(address(listen, &addr, err));
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the admin port");
    a->app = app;
    uv_tcp_init(loop, &a->tcp);
    a->tcp.data = a;
    rc = uv_tcp_bind(&a->tcp, (struct sockaddr *)&addr, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&a->tcp, 64, on_connection);
    if (rc == 0)
        rc = uv_tcp_getsockname(&a->tcp, (struct sockaddr *)&addr, &n);
    *out = a;
    if (rc != 0)
        return WARD_FAIL(err, UNAVAILABLE, "cannot listen on %.60s (WARD_ADMIN_LISTEN): %s",
                         listen, uv_strerror(rc));
    *port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                             : ((struct sockaddr_in *)&addr)->sin_port);
    return WARD_OK;
}

void ward_admin_close(struct ward_admin *a)
{
    if (a == NULL)
        return;
    uv_close((uv_handle_t *)&a->tcp, NULL);
    for (struct conn *c = a->conns; c != NULL; c = c->next)
        hang_up(c);
}

void ward_admin_free(struct ward_admin *a)
{
    free(a);
}
