/* channel.h - messages between the service and a worker process, and the head of a slot.
 *
 * The service does not trust the child: it bounds every size and terminates every text.
 * Threads: a message is one sendmsg on a SOCK_SEQPACKET socket. Memory: the caller's. Errors:
 * false.
 */
#ifndef WARD_WORKER_CHANNEL_H
#define WARD_WORKER_CHANNEL_H

#include "common/base/status.h"
#include "common/worker/worker.h"

#include <stdatomic.h>
#include <stddef.h>

#define CHANNEL_FD 3 /* the child's end */

/* The signals of a crash. */
#define CRASHES SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT

enum said {
    SAID_START = 1, /* to the child: struct start and the job's arguments */
    SAID_UP,        /* to the service: the job is open, or the failure */
    SAID_PING,
    SAID_PONG,
    SAID_SLOT,    /* to the child, with a file: new memory of slot `at` */
    SAID_SLOT_OK, /* to the service */
    SAID_ASK,
    SAID_DONE,
    SAID_STOP,  /* to the child: stop call `n` of slot `at` */
    SAID_LOG,   /* to the service: level `at`, text in the body */
    SAID_COUNT, /* to the service: name in the body, a double in the bytes of `n` */
};

struct failure {
    uint32_t code;
    int32_t retry_after_ms;
    char msg[160], reason[64], detail[320];
};

struct channel_head {
    uint32_t kind; /* enum said */
    uint32_t at;   /* slot, log level, op */
    uint64_t n;    /* ping, bytes */
    struct failure failure;
};

struct channel_msg {
    struct channel_head head;
    unsigned char body[WARD_WORKER_ARGS];
};

/* The body of SAID_START; the job's arguments follow. */
struct start {
    uint64_t most_bytes;
    uint32_t log_level;
};

bool channel_send(int fd, const struct channel_head *head, const void *body, size_t n,
                  int passed, int flags);
/* Receives one message with *n bytes in its body. *passed is the received file or -1; with
 * NULL, the kernel discards files. Returns false if the other end has gone or the message is
 * malformed. errno is EAGAIN if no message is available. */
bool channel_recv(int fd, struct channel_msg *msg, size_t *n, int *passed, int flags);

void failure_put(struct failure *to, enum ward_code code, const struct ward_err *err);
/* Converts a failure to an error. An unknown code becomes INTERNAL. */
WARD_MUST enum ward_code failure_get(const struct failure *from, struct ward_err *err);

/* ---- a slot: one page, then data ---- */

#define SLOT_PAGE 4096

enum turn { TURN_IDLE, TURN_ASKED, TURN_ANSWERED, TURN_MOVE };

struct slot_head {
    _Atomic uint32_t turn;    /* the current enum turn; also a futex */
    _Atomic uint32_t crashed; /* the slot's thread received a fatal signal */
    uint32_t op;
    uint32_t take; /* 1: copy the pending answer, which had no room before */
    uint64_t call; /* number of the call, for SAID_STOP */
    uint64_t in_n, out_at, out_cap;
    uint64_t out_n; /* size of the answer; above out_cap: the answer is pending */
    struct failure failure;
};
_Static_assert(sizeof(struct slot_head) <= SLOT_PAGE, "the head of a slot is one page");

void futex_wake(_Atomic uint32_t *at);
/* Waits while *at equals `value`, at most until `until_ns` (monotonic). */
void futex_wait(_Atomic uint32_t *at, uint32_t value, int64_t until_ns);

#endif
