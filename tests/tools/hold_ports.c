/* hold_ports COMMAND [ARGUMENT...] - runs a command while this process holds each loopback port
 * that the kernel might pick and that refuses connections although a socket listens, so that no
 * server of a test is given one. A machine's packet filter may have such ports, and a test
 * would fail on one about once in a thousand servers. Ends as the command does. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_ENV "WARD_TEST_PORTS_HELD"

static int tcp(int type)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
}

/* Whether a connection to the port is refused. It is reset, so that none stays in TIME_WAIT. */
static bool refuses(const struct sockaddr_in *at)
{
    const struct linger reset = {.l_onoff = 1};
    int fd = tcp(0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 &&
                   errno == ECONNREFUSED;

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
    }
    return refused;
}

/* Holds the port if it refuses; a port that somebody uses now is passed over. */
static bool held(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = tcp(SOCK_NONBLOCK);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return false;
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0 &&
        refuses(&at))
        return true;
    close(fd);
    return false;
}

static int hold_all(void)
{
    int first = 32768, last = 60999, n = 0;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

    if (f != NULL) {
        char line[64] = "", *rest;

        if (fgets(line, sizeof(line), f) != NULL) {
            first = (int)strtol(line, &rest, 10);
            last = (int)strtol(rest, NULL, 10);
        }
        fclose(f);
    }
    for (int port = first; port <= last; port++)
        n += held(port);
    return n;
}

static int wait_for(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    pid_t child = 0;
    int n;

    if (argc < 2) {
        fprintf(stderr, "usage: hold_ports COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (getenv(HELD_ENV) == NULL) {
        n = hold_all();
        setenv(HELD_ENV, "1", 1);
        if (n > 0)
            printf("loopback ports that refuse connections: %d, held until the end\n", n);
        fflush(stdout);
        child = fork();
    }
    if (child > 0)
        return wait_for(child);
    if (child == 0)
        execvp(argv[1], argv + 1);
    fprintf(stderr, "hold_ports: %s: %s\n", argv[1], strerror(errno));
    return 127;
}
