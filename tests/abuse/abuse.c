/* abuse - attacks on a server of ours, on this machine, bounded in count, bytes and time.
 *
 *   abuse ATTACK PORT [--certs DIR --as NAME] [--from ADDRESS] [--plain] [--path PATH]
 *         [--n N] [--connections K] [--each M] [--bytes B] [--seconds S]
 *
 * Without --as it has no certificate: it does all that a stranger can. Prints one line of JSON:
 * how much it sent, and how many of its connections the server has ended. */
#include "tests/abuse/attacks.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static atomic_long opened, ended, heard;
static const struct attack *chosen = attacks;

static void nap_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* ---- connections without HTTP/2 ---- */

/* Bare connects, held; a new one in the place of each that the server closed. */
static void connects(void)
{
    struct peer *p = calloc((size_t)options.n, sizeof(*p));
    double end = now_s() + options.seconds;
    int n = 0;

    for (; n < options.n && now_s() < end; n++) {
        if (!peer_connect(&p[n]))
            break;
        atomic_fetch_add(&opened, 1);
    }
    while (now_s() < end)
        nap_ms(50);
    for (int i = 0; i < n; i++) {
        uint8_t c;

        atomic_fetch_add(&ended, recv(p[i].fd, &c, 1, MSG_DONTWAIT) == 0);
        peer_close(&p[i]);
    }
    free(p);
}

/* Whole handshakes as fast as they go; the server signs each. */
static void *handshakes(void *arg)
{
    double end = now_s() + options.seconds;
    struct peer p;

    while (now_s() < end) {
        if (!peer_connect(&p))
            continue;
        atomic_fetch_add(&opened, 1);
        atomic_fetch_add(&sent, peer_shake(&p));
        peer_close(&p);
    }
    return arg;
}

/* The beginning of a ClientHello, a byte at a time; or noise, and a new connection when the
 * server has had enough of it. */
static void *odd_bytes(void *arg)
{
    static const uint8_t hello[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
    bool noise = strcmp(options.attack, "garbage") == 0;
    double end = now_s() + options.seconds;
    unsigned seed = (unsigned)(uintptr_t)arg;
    uint8_t bytes[2000];
    struct peer p = {.fd = -1};

    for (int i = 0; now_s() < end; i++) {
        if (p.fd < 0) {
            if (!peer_connect(&p))
                return NULL;
            atomic_fetch_add(&opened, 1);
            i = 0;
        }
        for (size_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (uint8_t)rand_r(&seed);
        if (!noise)
            bytes[0] = i < (int)sizeof(hello) ? hello[i] : bytes[0];
        if (send(p.fd, bytes, noise ? sizeof(bytes) : 1, MSG_NOSIGNAL) < 0) {
            atomic_fetch_add(&ended, 1);
            peer_close(&p);
        } else if (!noise) {
            nap_ms(100);
        } else {
            peer_listen(&p, 0.05);
            peer_close(&p);
        }
    }
    peer_close(&p);
    return NULL;
}

/* ---- */

static void *one_connection(void *arg)
{
    static const uint8_t no_window[6] = {0, 4, 0, 0, 0, 0};
    enum kind kind = chosen->kind;
    struct peer p;

    if (!peer_open(&p))
        return arg;
    atomic_fetch_add(&opened, 1);
    p.deaf = kind == UNREAD;
    if (!peer_hello(&p, no_window, kind == NO_ROOM ? 6 : 0) || !chosen->fn(&p))
        atomic_fetch_add(&ended, 1);
    atomic_fetch_add(&heard, (long)p.n_read);
    peer_close(&p);
    return NULL;
}

static void run_threads(void *(*fn)(void *arg))
{
    pthread_t *t = calloc((size_t)options.connections, sizeof(*t));
    pthread_attr_t small;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    for (int i = 0; i < options.connections; i++)
        if (pthread_create(&t[i], &small, fn, (void *)(uintptr_t)(i + 1)) != 0)
            options.connections = i;
    for (int i = 0; i < options.connections; i++)
        pthread_join(t[i], NULL);
    pthread_attr_destroy(&small);
    free(t);
}

static bool read_options(int argc, char **argv)
{
    options.attack = argv[1];
    options.port = (int)strtol(argv[2], NULL, 10);
    options.n = 1000;
    options.connections = 1;
    options.each = 100;
    options.bytes = 20000;
    options.seconds = 2;
    for (int i = 3; i < argc; i++) {
        const char *k = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(k, "--plain") == 0) {
            options.tls = false;
            continue;
        }
        i++;
        if (strcmp(k, "--certs") == 0)
            options.certs = v;
        else if (strcmp(k, "--as") == 0)
            options.name = v;
        else if (strcmp(k, "--from") == 0)
            options.from = v;
        else if (strcmp(k, "--path") == 0)
            options.path = v;
        else if (strcmp(k, "--n") == 0)
            options.n = (int)strtol(v, NULL, 10);
        else if (strcmp(k, "--connections") == 0)
            options.connections = (int)strtol(v, NULL, 10);
        else if (strcmp(k, "--each") == 0)
            options.each = (int)strtol(v, NULL, 10);
        else if (strcmp(k, "--bytes") == 0)
            options.bytes = (int)strtol(v, NULL, 10);
        else if (strcmp(k, "--seconds") == 0)
            options.seconds = strtod(v, NULL);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    double began = now_s();
    struct rlimit r;

    while (argc > 2 && chosen->name != NULL && strcmp(chosen->name, argv[1]) != 0)
        chosen++;
    if (argc < 3 || chosen->name == NULL || !read_options(argc, argv)) {
        fprintf(stderr, "abuse ATTACK PORT [OPTIONS]; attacks:");
        for (const struct attack *a = attacks; a->name != NULL; a++)
            fprintf(stderr, " %s", a->name);
        fprintf(stderr, "\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
    options.tls12 = chosen->kind == TLS12;
    switch (chosen->kind) {
    case TCP:
        connects();
        break;
    case SHAKE:
        run_threads(handshakes);
        break;
    case BYTES:
        run_threads(odd_bytes);
        break;
    default:
        run_threads(one_connection);
    }
    printf(
        "{\"attack\": \"%s\", \"opened\": %ld, \"ended\": %ld, \"sent\": %ld, \"heard\": %ld, "
        "\"seconds\": %.1f}\n",
        options.attack, atomic_load(&opened), atomic_load(&ended), atomic_load(&sent),
        atomic_load(&heard), now_s() - began);
    return 0;
}
