#include "common/worker/channel.h"

#include "common/base/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

union with_file {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

bool channel_send(int fd, const struct channel_head *head, const void *body, size_t n,
                  int passed, int flags)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)head, sizeof(*head)},
                             {(void *)(uintptr_t)body, n}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = n > 0 ? 2 : 1};
    union with_file file = {{0}};
    ssize_t sent;

    if (passed >= 0) {
        struct cmsghdr *c;

        msg.msg_control = file.bytes;
        msg.msg_controllen = sizeof(file.bytes);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &passed, sizeof(int));
    }
    do
        sent = sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)(sizeof(*head) + n);
}

/* Returns the file that was received with the message, or -1. */
static int file_of(struct msghdr *msg)
{
    int fd = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(&fd, CMSG_DATA(c), sizeof(int));
    return fd;
}

bool channel_recv(int fd, struct channel_msg *msg, size_t *n, int *passed, int flags)
{
    struct iovec part = {msg, sizeof(*msg)};
    union with_file file = {{0}};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t got;

    if (passed != NULL) {
        m.msg_control = file.bytes;
        m.msg_controllen = sizeof(file.bytes);
    }
    do
        got = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    errno = 0;
    if (passed != NULL)
        *passed = file_of(&m);
    if (got < (ssize_t)sizeof(msg->head) || (m.msg_flags & MSG_TRUNC) != 0)
        return false;
    *n = (size_t)got - sizeof(msg->head);
    return true;
}

/* ---- failures ---- */

void failure_put(struct failure *to, enum ward_code code, const struct ward_err *err)
{
    *to = (struct failure){.code = (uint32_t)code};
    if (code == WARD_OK || err == NULL)
        return;
    to->retry_after_ms = err->retry_after_ms;
    memcpy(to->msg, err->msg, sizeof(to->msg));
    memcpy(to->reason, err->reason, sizeof(to->reason));
    memcpy(to->detail, err->detail, sizeof(to->detail));
}

enum ward_code failure_get(const struct failure *from, struct ward_err *err)
{
    /* Copied first, because the child may change the failure meanwhile. */
    struct failure f = *from;
    enum ward_code code = f.code < WARD_N_CODES ? (enum ward_code)f.code : WARD_INTERNAL;

    if (code == WARD_OK)
        return WARD_OK;
    f.msg[sizeof(f.msg) - 1] = f.reason[sizeof(f.reason) - 1] = '\0';
    f.detail[sizeof(f.detail) - 1] = '\0';
    if (strspn(f.reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != strlen(f.reason))
        f.reason[0] = '\0';
    ward_err_set(err, code, __FILE__, __LINE__, "%s", f.msg);
    if (err != NULL) {
        snprintf(err->reason, sizeof(err->reason), "%s", f.reason);
        err->retry_after_ms = f.retry_after_ms > 0 ? f.retry_after_ms : 0;
        ward_err_detail(err, "%s", f.detail);
    }
    return code;
}

/* ---- futexes in shared memory, so without FUTEX_PRIVATE_FLAG ---- */

void futex_wake(_Atomic uint32_t *at)
{
    syscall(SYS_futex, at, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void futex_wait(_Atomic uint32_t *at, uint32_t value, int64_t until_ns)
{
    struct timespec ts = {until_ns / 1000000000, until_ns % 1000000000};

    syscall(SYS_futex, at, FUTEX_WAIT_BITSET, value, until_ns == WARD_NO_DEADLINE ? NULL : &ts,
            NULL, FUTEX_BITSET_MATCH_ANY);
}
