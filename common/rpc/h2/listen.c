#include "common/base/text.h"
#include "common/rpc/h2/sockets.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG  1024
#define PICKS    16
#define AT_ONCE  64 /* limit of connections accepted in one turn */
#define AGAIN_NS (100 * WARD_NS_PER_MS)

/* ---- addresses ---- */

static int try_one(const struct sockaddr *at, socklen_t len)
{
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1,
        off = 0;

    if (fd < 0)
        return -1;
    /* Not REUSEPORT: two servers could share the port unnoticed. */
    if (at->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, at, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool on_unix(struct h2_server *srv, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat st;

    if (strlen(path) >= sizeof(un.sun_path))
        return false;
    memcpy(un.sun_path, path, strlen(path) + 1);
    if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path); /* a previous server's socket */
    srv->listeners[0] = try_one((const struct sockaddr *)&un, sizeof(un));
    if (srv->listeners[0] < 0)
        return false;
    memcpy(srv->unix_path, path, strlen(path) + 1);
    srv->n_listeners = 1;
    return true;
}

static int port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

/* Splits "host:port" or "[host]:port". */
static bool split(const char *at, char host[256], char port[8])
{
    const char *colon = strrchr(at, ':');
    size_t n;

    if (colon == NULL || strlen(colon + 1) >= 8)
        return false;
    snprintf(port, 8, "%s", colon + 1);
    n = (size_t)(colon - at);
    if (n >= 2 && at[0] == '[' && at[n - 1] == ']') {
        at++;
        n -= 2;
    }
    if (n >= 256)
        return false;
    memcpy(host, at, n);
    host[n] = '\0';
    return true;
}

/* Connects to the listener. Returns whether the connection arrives. */
static bool reaches(int listener, const struct addrinfo *a, int port)
{
    struct sockaddr_storage at;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), taken;
    bool ok;

    memcpy(&at, a->ai_addr, a->ai_addrlen);
    ((struct sockaddr_in *)(void *)&at)->sin_port = htons((uint16_t)port);
    ok = fd >= 0 && connect(fd, (const struct sockaddr *)&at, a->ai_addrlen) == 0;
    if (fd >= 0)
        close(fd);
    taken = ok ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (taken >= 0)
        close(taken);
    return taken >= 0;
}

/* Checks a port that the kernel picked by connecting to it, before the port is announced. On
 * one test machine, some ports reject every connection although a socket listens. */
static int pick_one(const struct addrinfo *a)
{
    for (int i = 0; i < PICKS; i++) {
        int fd = try_one(a->ai_addr, a->ai_addrlen);

        if (fd < 0 || reaches(fd, a, port_of(fd)))
            return fd;
        close(fd);
    }
    return -1;
}

static void on_each(struct h2_server *srv, const struct addrinfo *all, int *port)
{
    for (const struct addrinfo *a = all; a != NULL && srv->n_listeners < H2_MAX_LISTENERS;
         a = a->ai_next) {
        int fd;

        if (*port != 0) /* use the picked port on all addresses */
            ((struct sockaddr_in *)(void *)a->ai_addr)->sin_port = htons((uint16_t)*port);
        fd = *port == 0 ? pick_one(a) : try_one(a->ai_addr, a->ai_addrlen);
        if (fd < 0)
            continue;
        srv->listeners[srv->n_listeners++] = fd;
        *port = port_of(fd);
    }
}

static bool on_tcp(struct h2_server *srv, const char *at, int *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *all;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    char host[256], text[8];
    int64_t number;

    if (!split(at, host, text) || !ward_i64(text, 0, 65535, &number))
        return false;
    *port = (int)number;
    if (strcmp(host, "0.0.0.0") == 0) { /* all IPv4 and IPv6 addresses of this machine */
        any.sin6_port = htons((uint16_t)number);
        srv->listeners[0] = try_one((const struct sockaddr *)&any, sizeof(any));
        if (srv->listeners[0] >= 0) {
            srv->n_listeners = 1;
            *port = port_of(srv->listeners[0]);
            return true;
        }
    }
    if (getaddrinfo(host, text, &hints, &all) != 0)
        return false;
    on_each(srv, all, port);
    freeaddrinfo(all);
    return srv->n_listeners > 0;
}

enum ward_code listen_open(struct h2_server *srv, const char *at, int *port,
                           struct ward_err *err)
{
    const char *path = strncmp(at, "unix://", 7) == 0 ? at + 7 : at + 5;
    bool ok;

    *port = 0;
    ok = strncmp(at, "unix:", 5) == 0 ? on_unix(srv, path) : on_tcp(srv, at, port);
    return ok ? WARD_OK : WARD_FAIL(err, UNAVAILABLE, "cannot listen on %s", at);
}

void listen_watch(struct h2_server *srv, bool on)
{
    for (int i = 0; i < srv->n_listeners; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &srv->listeners[i]};

        epoll_ctl(srv->loops[0].ep, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, srv->listeners[i], &e);
    }
}

/* ---- new connections: accepted on the first loop, for the loop with the fewest ---- */

struct newcomer {
    struct mail mail;
    struct loop *loop;
    int fd;
    uint8_t ip[16];
};

static void welcome(struct mail *m)
{
    struct newcomer *n = RPC_OF(m, struct newcomer, mail);

    conn_take(n->loop, n->fd, n->ip);
    free(n);
}

static void hand_on(struct h2_server *srv, int fd, const uint8_t ip[16])
{
    struct loop *least = &srv->loops[0];
    struct newcomer *n;

    for (int i = 1; i < srv->n_loops; i++)
        if (atomic_load(&srv->loops[i].n_conns) < atomic_load(&least->n_conns))
            least = &srv->loops[i];
    if (least == &srv->loops[0]) {
        conn_take(least, fd, ip);
        return;
    }
    n = malloc(sizeof(*n));
    WARD_ASSERT(n != NULL);
    *n = (struct newcomer){.mail.fn = welcome, .loop = least, .fd = fd};
    memcpy(n->ip, ip, 16);
    loop_post(least, &n->mail);
}

static void accept_on(struct timer *t)
{
    struct h2_server *srv = RPC_OF(t, struct h2_server, accept_again);

    if (!atomic_load(&srv->loops[0].draining))
        listen_watch(srv, true);
}

/* An IPv6 peer controls a whole /64, which therefore counts as one address. */
static void address(const struct sockaddr_storage *from, uint8_t ip[16])
{
    const struct in6_addr *six = &((const struct sockaddr_in6 *)from)->sin6_addr;

    memset(ip, 0, 16);
    if (from->ss_family == AF_INET)
        memcpy(ip + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    else if (from->ss_family == AF_INET6)
        memcpy(ip, six, IN6_IS_ADDR_V4MAPPED(six) ? 16 : 8);
}

void listen_accept(struct h2_server *srv, int listener)
{
    struct loop *l = &srv->loops[0];
    int on = 1;

    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof(from);
        uint8_t ip[16];
        int fd =
            accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 &&
            (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            listen_watch(srv, false); /* stop accepting for AGAIN_NS */
            srv->accept_again.fn = accept_on;
            wheel_set(&l->wheel, &srv->accept_again, l->now + AGAIN_NS);
        }
        if (fd < 0)
            return;
        address(&from, ip);
        if (!caps_came(&srv->caps, ip)) {
            h2_stat_refused("cap");
            close(fd);
            continue;
        }
        if (from.ss_family != AF_UNIX)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        hand_on(srv, fd, ip);
    }
}

void listen_close(struct h2_server *srv)
{
    wheel_unset(&srv->accept_again);
    listen_watch(srv, false); /* needed for the same reason as in conn_free */
    for (int i = 0; i < srv->n_listeners; i++) {
        if (srv->loops[0].running)
            listen_accept(srv, srv->listeners[i]);
        close(srv->listeners[i]);
    }
    srv->n_listeners = 0;
    if (*srv->unix_path != '\0')
        unlink(srv->unix_path);
    *srv->unix_path = '\0';
}
