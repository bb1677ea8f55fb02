/* app_probe.h - for app_test.c and admin_test.c: forks the process of app_stand_ins.h and
 * observes its log, its admin port and its exit status. Threads, memory: a test's. Errors: the
 * test fails. */
#ifndef WARD_APP_APP_PROBE_H
#define WARD_APP_APP_PROBE_H

#include "common/app/app_stand_ins.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LONG 20000 /* ms; longer than any working process needs */

struct probe {
    pid_t pid;
    int out; /* stdout and stderr of the process */
    char text[65536];
    size_t n, read; /* number of stored bytes; number of bytes already searched */
    int port;
};

static inline void start(struct probe *p, const char *const *env, const char *const *args)
{
    char *argv[8] = {(char *)(uintptr_t) "probe"};
    int fds[2], argc = 1;

    memset(p, 0, sizeof(*p));
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        clearenv();
        setenv("WARD_ADMIN_LISTEN", "127.0.0.1:0", 1);
        setenv("WARD_AUDIT_BUS", "ipc:///nowhere", 1);
        setenv("WARD_DB_SOCKET", "/nowhere", 1);
        setenv("WARD_LAME_MS", "0", 1);
        for (; env != NULL && *env != NULL; env += 2)
            setenv(env[0], env[1], 1);
        for (; args != NULL && *args != NULL; args++)
            argv[argc++] = (char *)(uintptr_t)*args;
        exit(live(argc, argv));
    }
    close(fds[1]);
    p->out = fds[0];
}

static inline bool more(struct probe *p)
{
    struct pollfd pf = {.fd = p->out, .events = POLLIN};
    ssize_t n;

    if (poll(&pf, 1, LONG) != 1)
        return false;
    n = read(p->out, p->text + p->n, sizeof(p->text) - 1 - p->n);
    if (n > 0)
        p->n += (size_t)n;
    p->text[p->n] = '\0';
    return n > 0;
}

/* Waits for text after the text found last. Returns the line with the text, or NULL at the end
 * of the output.
 */
static const char *seen(struct probe *p, const char *text)
{
    const char *at;

    while ((at = strstr(p->text + p->read, text)) == NULL)
        if (!more(p))
            return NULL;
    p->read = (size_t)(at - p->text) + strlen(text);
    return at;
}

static inline void wait_serving(struct probe *p)
{
    const char *line = seen(p, "\"msg\":\"serving\"");
    const char *port;

    assert_non_null(line);
    while (strchr(line, '\n') == NULL)
        assert_true(more(p));
    port = strstr(line, "\"admin_port\":");
    assert_non_null(port);
    p->port = (int)strtol(port + strlen("\"admin_port\":"), NULL, 10);
    assert_true(p->port > 0);
}

/* Reads the rest of the output and returns the process's exit status. */
static inline int end(struct probe *p)
{
    int status;

    while (more(p))
        ;
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    close(p->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int dial(const struct probe *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Sends a request and reads the whole answer, up to the end of the connection. */
static inline void ask(const struct probe *p, const char *request, char *answer, size_t cap)
{
    size_t n = 0;
    ssize_t r;
    int fd = dial(p);

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while (n + 1 < cap && (r = read(fd, answer + n, cap - 1 - n)) > 0)
        n += (size_t)r;
    answer[n] = '\0';
    close(fd);
}

static inline bool answers(const struct probe *p, const char *request, const char *status,
                           const char *holds)
{
    char answer[65536];

    ask(p, request, answer, sizeof(answer));
    return strncmp(answer + 9, status, 3) == 0 && strstr(answer, holds) != NULL;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static inline void becomes(const struct probe *p, const char *request, const char *status,
                           const char *holds)
{
    for (int i = 0; i < LONG / 10; i++) {
        if (answers(p, request, status, holds))
            return;
        usleep(10000);
    }
    fail_msg("never %s %s", status, holds);
}

#endif
