/* The child's side: opens the job, closes the sandbox, and serves requests until the service
 * closes the channel. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/worker/channel.h"
#include "common/worker/job.h"
#include "common/worker/sandbox.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 64
/* Stack of a slot's thread; libraries of other vendors run on it. */
#define STACK ((size_t)8 << 20)

struct slot {
    struct child *c;
    int at;
    bool has_thread;
    pthread_mutex_t lock; /* guards map, size, adopted, running */
    /* map: newest mapping; adopted: the mapping that the thread uses. */
    struct slot_head *map, *adopted;
    size_t size;
    uint64_t running;      /* number of the running call; 0: none */
    _Atomic uint64_t stop; /* number of the call that must stop */
    /* Used only by the slot's thread. */
    uint64_t call;
    /* out: place in the slot; pending: an answer too large for the slot. */
    unsigned char *out, *pending;
    size_t out_n, out_cap;
};

struct child {
    const struct ward_job *job;
    void *state;
    struct slot slot[WARD_WORKER_SLOTS];
};

/* ---- messages to the service ---- */

static void say(const struct channel_head *head, const void *body, size_t n, int flags)
{
    if (!channel_send(CHANNEL_FD, head, body, n, -1, flags) && errno != EAGAIN)
        _exit(0); /* the service has closed the channel */
}

static void say_log(enum ward_level level, const char *text)
{
    const struct channel_head head = {.kind = SAID_LOG, .at = (uint32_t)level};
    size_t n = strlen(text);

    say(&head, text, n < 400 ? n : 400, MSG_DONTWAIT);
}

void ward_job_count(const char *name, double n)
{
    struct channel_head head = {.kind = SAID_COUNT};

    memcpy(&head.n, &n, sizeof(n));
    say(&head, name, strlen(name), MSG_DONTWAIT);
}

/* ---- crashes: marking the slot of the call ---- */

static _Thread_local struct slot_head *mine; /* slot of the call on this thread; NULL: none */

/* Marks the slot of the crashed call. The signal then has its default effect. */
static void on_crash(int number)
{
    if (mine != NULL)
        atomic_store(&mine->crashed, 1);
    signal(number, SIG_DFL);
    raise(number);
}

static void mark_crashes(void)
{
    static const int numbers[] = {CRASHES};
    struct sigaction a = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};

    for (size_t i = 0; i < WARD_COUNT(numbers); i++)
        sigaction(numbers[i], &a, NULL);
}

/* Sets an alternate stack, so that the handler also runs after a stack overflow. */
static void second_stack(void)
{
    const size_t n = (size_t)32 << 10;
    stack_t second = {.ss_sp = malloc(n), .ss_size = n};

    if (second.ss_sp != NULL)
        sigaltstack(&second, NULL);
}

/* ---- calls ---- */

void *ward_job_answer(struct ward_job_call *c, size_t n)
{
    struct slot *s = c->own;

    s->out_n = n;
    if (n <= s->out_cap)
        return s->out;
    free(s->pending);
    s->pending = aligned_alloc(64, (n + 63) & ~(size_t)63);
    return s->pending;
}

static bool told_to_stop(const void *arg)
{
    const struct slot *s = arg;

    return atomic_load(&s->stop) == s->call;
}

static void set_running(struct slot *s, uint64_t call)
{
    pthread_mutex_lock(&s->lock);
    s->running = call;
    pthread_mutex_unlock(&s->lock);
}

static void take(struct slot *s, struct slot_head *h, unsigned char *data)
{
    if (s->pending != NULL && s->out_n <= h->out_cap)
        memcpy(data + h->out_at, s->pending, s->out_n);
    h->out_n = s->out_n;
    failure_put(&h->failure, WARD_OK, NULL);
    free(s->pending);
    s->pending = NULL;
}

static void work(struct slot *s, struct slot_head *h)
{
    unsigned char *data = (unsigned char *)h + SLOT_PAGE;
    const struct ward_stop stop = {WARD_NO_DEADLINE, told_to_stop, s};
    struct ward_job_call call = {
        .op = h->op, .in = data, .n_in = (size_t)h->in_n, .stop = &stop, .own = s};
    struct ward_err err = {0};
    enum ward_code code;

    if (h->take != 0) {
        take(s, h, data);
        return;
    }
    s->call = h->call;
    s->out = data + h->out_at;
    s->out_cap = (size_t)h->out_cap;
    s->out_n = 0;
    set_running(s, s->call);
    mine = h;
    code = s->c->job->call(s->c->state, s->at, &call, &err);
    mine = NULL;
    set_running(s, 0);
    h->out_n = code == WARD_OK ? s->out_n : 0;
    failure_put(&h->failure, code, &err);
}

static void *serve_slot(void *arg)
{
    struct slot *s = arg;
    struct slot_head *h = NULL;
    size_t size = 0;

    second_stack();
    for (;;) {
        uint32_t turn = h == NULL ? TURN_MOVE : atomic_load(&h->turn);

        if (turn == TURN_ASKED) {
            work(s, h);
            atomic_store(&h->turn, TURN_ANSWERED);
            futex_wake(&h->turn);
        } else if (turn == TURN_MOVE) {
            if (h != NULL)
                munmap(h, size);
            pthread_mutex_lock(&s->lock);
            h = s->adopted = s->map;
            size = s->size;
            pthread_mutex_unlock(&s->lock);
        } else {
            futex_wait(&h->turn, turn, WARD_NO_DEADLINE);
        }
    }
    return NULL;
}

/* ---- the main thread ---- */

static enum ward_code start_thread(struct slot *s, struct ward_err *err)
{
    pthread_attr_t attr;
    pthread_t t;
    int rc;

    if (s->has_thread)
        return WARD_OK;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&t, &attr, serve_slot, s);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread for a slot");
    s->has_thread = true;
    return WARD_OK;
}

static enum ward_code move_slot(struct slot *s, size_t size, int fd, struct ward_err *err)
{
    struct slot_head *new = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *old;
    bool adopted;

    if (new == MAP_FAILED)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a slot");
    pthread_mutex_lock(&s->lock);
    old = s->map;
    adopted = old == s->adopted;
    if (old != NULL && !adopted)
        munmap(old, s->size);
    s->map = new;
    s->size = size;
    pthread_mutex_unlock(&s->lock);
    if (old != NULL && adopted) {
        atomic_store(&old->turn, TURN_MOVE);
        futex_wake(&old->turn);
    }
    return start_thread(s, err);
}

static void on_slot(struct child *c, const struct channel_msg *m, int fd)
{
    struct channel_head done = {.kind = SAID_SLOT_OK, .n = m->head.n};
    struct ward_err err = {0};
    enum ward_code code = WARD_INTERNAL;
    uint64_t size;

    memcpy(&size, m->body, sizeof(size));
    if (fd >= 0 && m->head.at < WARD_WORKER_SLOTS)
        code = move_slot(&c->slot[m->head.at], (size_t)size, fd, &err);
    failure_put(&done.failure, code, &err);
    say(&done, NULL, 0, 0);
}

static void on_ask(struct child *c, const struct channel_msg *m, size_t n, int fd)
{
    static unsigned char out[WARD_WORKER_ARGS];
    struct ward_job_ask ask = {
        .op = m->head.at, .in = m->body, .n_in = n, .fd = fd, .out = out, .n_out = sizeof(out)};
    struct channel_head done = {.kind = SAID_DONE, .n = m->head.n};
    struct ward_err err = {0};
    enum ward_code code = c->job->ask(c->state, &ask, &err);

    failure_put(&done.failure, code, &err);
    say(&done, out, code == WARD_OK ? ask.n_out : 0, 0);
}

static void on_stop(struct child *c, const struct channel_msg *m)
{
    struct slot *s = &c->slot[m->head.at % WARD_WORKER_SLOTS];

    atomic_store(&s->stop, m->head.n);
    pthread_mutex_lock(&s->lock);
    if (s->running == m->head.n && c->job->stop != NULL)
        c->job->stop(c->state, s->at);
    pthread_mutex_unlock(&s->lock);
}

static void serve(struct child *c)
{
    static struct channel_msg m;
    size_t n = 0;
    int fd = -1;

    while (channel_recv(CHANNEL_FD, &m, &n, &fd, 0)) {
        const struct channel_head pong = {.kind = SAID_PONG, .n = m.head.n};

        if (m.head.kind == SAID_PING)
            say(&pong, NULL, 0, MSG_DONTWAIT);
        else if (m.head.kind == SAID_SLOT)
            on_slot(c, &m, fd);
        else if (m.head.kind == SAID_ASK)
            on_ask(c, &m, n, fd);
        else if (m.head.kind == SAID_STOP)
            on_stop(c, &m);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
}

/* ---- start ---- */

/* Ignores a terminal's Ctrl-C and SIGTERM. The service handles both and then closes the
 * child. */
static void signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    mark_crashes();
}

static void tied_to(const char *parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != (pid_t)strtol(parent, NULL, 10))
        _exit(0); /* the service has already died */
}

static enum ward_code open_job(struct child *c, const struct channel_msg *m, size_t n,
                               struct ward_err *err)
{
    enum ward_reach reach = WARD_REACH_NOTHING;
    struct start start;

    memcpy(&start, m->body, sizeof(start));
    if (start.log_level <= WARD_LOG_DEBUG)
        ward_log_level((enum ward_level)start.log_level);
    WARD_TRY(sandbox_begin((size_t)start.most_bytes, err));
    WARD_TRY(c->job->open(m->body + sizeof(start), n - sizeof(start), &c->state, &reach, err));
    return sandbox_close(reach, err);
}

static __attribute__((noreturn)) void run(const struct ward_job *job)
{
    static struct child c;
    static struct channel_msg m;
    struct channel_head up = {.kind = SAID_UP};
    struct ward_err err = {0};
    enum ward_code code;
    size_t n = 0;

    c.job = job;
    for (int i = 0; i < WARD_WORKER_SLOTS; i++) {
        c.slot[i].c = &c;
        c.slot[i].at = i;
        pthread_mutex_init(&c.slot[i].lock, NULL);
    }
    if (!channel_recv(CHANNEL_FD, &m, &n, NULL, 0) || m.head.kind != SAID_START ||
        n < sizeof(struct start))
        _exit(0);
    code = open_job(&c, &m, n, &err);
    failure_put(&up.failure, code, &err);
    say(&up, NULL, 0, 0);
    if (code == WARD_OK)
        serve(&c);
    _exit(0);
}

void ward_worker_enter(int argc, char **argv, const struct ward_job *const *jobs)
{
    struct stat st;

    if (argc != 4 || strcmp(argv[1], "--worker") != 0)
        return;
    signals();
    tied_to(argv[3]);
    if (fstat(CHANNEL_FD, &st) != 0 || !S_ISSOCK(st.st_mode))
        _exit(EXIT_USAGE);
    ward_log_begin("worker");
    ward_log_divert(say_log);
    /* More malloc arenas, one for each thread, would reserve unused memory. */
    mallopt(M_ARENA_MAX, 2);
    for (; *jobs != NULL; jobs++)
        if (strcmp((*jobs)->name, argv[2]) == 0)
            run(*jobs);
    _exit(EXIT_USAGE);
}
