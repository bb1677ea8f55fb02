/* What common/serve's queue does with a model under load, in this process.
 *
 * stat SUBJECT MS: {"alone_us", "p50_us", "p99_us", "p99_over_batch1"}: one STAT row at a time,
 * without and under a full bulk queue.
 *
 * goodput SUBJECT ROWS MS: {"saturation", "offered", "goodput", "goodput_at_150"}: calls of
 * ROWS rows, a second, answered within their deadline at 150 % of saturation.
 *
 * growth SUBJECT LOADS RUNS MOST: {"rss_loads", "rss_shapes", "rss_growth"}: of resident
 * memory, over LOADS loads and unloads and over RUNS runs of 1 to MOST rows. Free memory is
 * returned to the kernel before each look; the median of the last looks is compared with that
 * of the first.
 */
#include "common/base/clock.h"
#include "tests/bench/diagnosis/bench.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MEM       ((size_t)256 << 20)
#define BULKS     6 /* threads that keep the bulk lane full */
#define BULK_ROWS 8
#define CALLERS   96 /* threads of the open loop */
#define DEADLINE  40 /* of the time of one row */
#define LOOKS     10 /* at memory; the first and the last tenth of the loads or runs */

struct bench {
    struct subject s;
    struct ward_serve *serve;
    struct ward_serve_member member;
    struct ward_queue *queue;
    int rows; /* of a call */
    atomic_bool stop;
    atomic_llong answered, late;
    int64_t began, each_ns, deadline_ns, until;
};

static void open_queue(struct bench *b, int reserve)
{
    struct ward_err err = {0};

    b->serve = subject_open(&b->s);
    b->member = (struct ward_serve_member){b->serve, 0};
    must(ward_serve_queue(
             &b->member,
             &(struct ward_queue_config){.instances = reserve > 0 ? 1 : 2,
                                         .reserve = reserve,
                                         .cap_rows = 2 * CALLERS * (b->rows > 8 ? b->rows : 8)},
             &b->queue, &err),
         &err, "the queue");
}

static void close_queue(struct bench *b)
{
    ward_queue_close(b->queue);
    ward_serve_close(b->serve);
}

static enum ward_code ask(struct bench *b, enum ward_urgency lane, int rows,
                          const struct ward_stop *stop, struct ward_arena *mem)
{
    struct ward_tensor in, out[WARD_MAX_IO];
    uint32_t n = WARD_MAX_IO;
    struct ward_err err = {0};
    enum ward_code code;

    subject_input(&b->s, rows, mem, &in);
    code = ward_queue_run(b->queue, lane, mem, stop, &in, 1, out, &n, &err);
    ward_arena_reset(mem);
    if (code != WARD_OK && stop == NULL)
        must(code, &err, "a call");
    return code;
}

static void *bulk(void *arg)
{
    struct bench *b = arg;
    struct ward_arena mem;

    ward_arena_init(&mem, MEM);
    while (!atomic_load(&b->stop))
        (void)ask(b, WARD_BULK, BULK_ROWS, NULL, &mem);
    ward_arena_done(&mem);
    return NULL;
}

static void one_by_one(struct bench *b, int64_t ms, struct times *t)
{
    struct ward_arena mem;
    int64_t until = ward_mono_ns() + ms * 1000000;

    ward_arena_init(&mem, MEM);
    while (t->n < 50 || ward_mono_ns() < until) {
        int64_t began = ward_mono_ns();

        (void)ask(b, WARD_STAT, 1, NULL, &mem);
        times_add(t, (double)(ward_mono_ns() - began) / 1e6);
        usleep(200); /* STAT is rare */
    }
    ward_arena_done(&mem);
}

int stat_main(int argc, char **argv)
{
    struct bench b = {0};
    struct times alone = {0}, under = {0};
    pthread_t threads[BULKS];
    int64_t ms;

    if (argc != SUBJECT_ARGS + 1)
        return 2;
    subject_read(argv, &b.s);
    ms = number(argv[SUBJECT_ARGS], 600000);
    open_queue(&b, 1);
    one_by_one(&b, ms / 2, &alone);
    for (int i = 0; i < BULKS; i++)
        pthread_create(&threads[i], NULL, bulk, &b);
    usleep(100000);
    one_by_one(&b, ms, &under);
    atomic_store(&b.stop, true);
    for (int i = 0; i < BULKS; i++)
        pthread_join(threads[i], NULL);
    printf(
        "{\"alone_us\": %.2f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"p99_over_batch1\": %.3f}\n",
        times_at(&alone, 0.5) * 1000, times_at(&under, 0.5) * 1000,
        times_at(&under, 0.99) * 1000, times_at(&under, 0.99) / times_at(&alone, 0.5));
    close_queue(&b);
    return 0;
}

/* ---- goodput ---- */

static void *closed_loop(void *arg)
{
    struct bench *b = arg;
    struct ward_arena mem;

    ward_arena_init(&mem, MEM);
    while (ward_mono_ns() < b->until) {
        (void)ask(b, WARD_ROUTINE, b->rows, NULL, &mem);
        atomic_fetch_add(&b->answered, 1);
    }
    ward_arena_done(&mem);
    return NULL;
}

static atomic_llong ticket;

/* Each call is due at its own time and has a deadline from then, whenever its thread comes to
 * it. */
static void *open_loop(void *arg)
{
    struct bench *b = arg;
    struct ward_arena mem;

    ward_arena_init(&mem, MEM);
    for (;;) {
        int64_t due = b->began + atomic_fetch_add(&ticket, 1) * b->each_ns;
        struct ward_stop stop = {.deadline_ns = due + b->deadline_ns};
        struct timespec ts = {due / 1000000000, due % 1000000000};

        if (due >= b->until)
            break;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        if (ask(b, WARD_ROUTINE, b->rows, &stop, &mem) == WARD_OK &&
            ward_mono_ns() <= stop.deadline_ns)
            atomic_fetch_add(&b->answered, 1);
        else
            atomic_fetch_add(&b->late, 1);
    }
    ward_arena_done(&mem);
    return NULL;
}

static double rate(struct bench *b, int threads, void *(*fn)(void *), int64_t ms)
{
    pthread_t id[CALLERS];

    atomic_store(&b->answered, 0);
    atomic_store(&b->late, 0);
    atomic_store(&ticket, 0);
    b->began = ward_mono_ns();
    b->until = b->began + ms * 1000000;
    for (int i = 0; i < threads; i++)
        pthread_create(&id[i], NULL, fn, b);
    for (int i = 0; i < threads; i++)
        pthread_join(id[i], NULL);
    return (double)atomic_load(&b->answered) / ((double)ms / 1000);
}

int goodput_main(int argc, char **argv)
{
    struct bench b = {0};
    double most, good;
    int64_t ms;

    if (argc != SUBJECT_ARGS + 2)
        return 2;
    subject_read(argv, &b.s);
    b.rows = (int)number(argv[SUBJECT_ARGS], 65536);
    ms = number(argv[SUBJECT_ARGS + 1], 600000);
    open_queue(&b, 0);
    most = rate(&b, CALLERS, closed_loop, ms);
    b.each_ns = (int64_t)(1e9 / (1.5 * most));
    b.deadline_ns = (int64_t)(DEADLINE * 2e9 / most);
    good = rate(&b, CALLERS, open_loop, ms);
    printf("{\"saturation\": %.1f, \"offered\": %.1f, \"goodput\": %.1f, \"goodput_at_150\": "
           "%.4f}\n",
           most, 1.5 * most, good, good / most);
    close_queue(&b);
    return 0;
}

/* ---- memory ---- */

static double resident(void)
{
    long pages = 0;
    FILE *f;

    malloc_trim(0);
    f = fopen("/proc/self/statm", "re");
    if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1)
        must(WARD_INTERNAL, &(struct ward_err){0}, "/proc/self/statm");
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

struct looks {
    struct times first, last;
};

/* Called after each of n; the first fifth of them is warm-up. */
static void look(struct looks *l, int i, int n)
{
    int each = n / 10 / LOOKS < 1 ? 1 : n / 10 / LOOKS, settled = n / 5;

    if (i >= settled && i < settled + n / 10 && i % each == 0)
        times_add(&l->first, resident());
    if (i >= n - n / 10 && i % each == 0)
        times_add(&l->last, resident());
}

static double grown(struct looks *l)
{
    double by = l->first.n == 0 ? 0 : times_at(&l->last, 0.5) / times_at(&l->first, 0.5) - 1;

    times_free(&l->first);
    times_free(&l->last);
    return by;
}

int growth_main(int argc, char **argv)
{
    struct looks at_loads = {0}, at_shapes = {0};
    struct bench b = {0};
    double loads, shapes;
    int n_loads, n_runs, most;
    struct ward_arena mem;

    if (argc != SUBJECT_ARGS + 3)
        return 2;
    subject_read(argv, &b.s);
    n_loads = (int)number(argv[SUBJECT_ARGS], 100000);
    n_runs = (int)number(argv[SUBJECT_ARGS + 1], 10000000);
    most = (int)number(argv[SUBJECT_ARGS + 2], 1024);
    ward_arena_init(&mem, MEM);
    for (int i = 0; i < n_loads; i++) {
        open_queue(&b, 0);
        (void)ask(&b, WARD_ROUTINE, 1 + i % most, NULL, &mem);
        close_queue(&b);
        look(&at_loads, i, n_loads);
    }
    loads = grown(&at_loads);
    open_queue(&b, 0);
    for (int i = 0; i < n_runs; i++) {
        (void)ask(&b, WARD_ROUTINE, 1 + (int)(mix((uint64_t)i) % (uint64_t)most), NULL, &mem);
        look(&at_shapes, i, n_runs);
    }
    shapes = grown(&at_shapes);
    close_queue(&b);
    ward_arena_done(&mem);
    printf("{\"rss_loads\": %.4f, \"rss_shapes\": %.4f, \"rss_growth\": %.4f}\n", loads, shapes,
           loads > shapes ? loads : shapes);
    return 0;
}
