/* isolation - what a worker process costs a call: 600 KB go through a slot to a job that reads
 * each byte, beside the same job in this process. Rounds of both alternate. Prints JSON:
 * isolation_us is the difference of the medians. This program is its own worker program. */
#include "common/base/clock.h"
#include "common/worker/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES  ((size_t)600000)
#define ROUNDS 40
#define CALLS  100

static uint64_t sum_of(const void *bytes)
{
    const uint64_t *word = bytes;
    uint64_t sum = 0;

    for (size_t i = 0; i < BYTES / sizeof(*word); i++)
        sum += word[i];
    return sum;
}

static enum ward_code open_job(const void *args, size_t n, void **state, enum ward_reach *reach,
                               struct ward_err *err)
{
    (void)args, (void)n, (void)state, (void)reach, (void)err;
    return WARD_OK;
}

static enum ward_code ask_job(void *state, struct ward_job_ask *a, struct ward_err *err)
{
    (void)state, (void)a;
    return WARD_FAIL(err, UNIMPLEMENTED, "this job answers no questions");
}

static enum ward_code call_job(void *state, int slot, struct ward_job_call *c,
                               struct ward_err *err)
{
    const uint64_t sum = sum_of(c->in);
    void *out = ward_job_answer(c, sizeof(sum));

    (void)state, (void)slot;
    if (out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an answer");
    memcpy(out, &sum, sizeof(sum));
    return WARD_OK;
}

static const struct ward_job job = {
    .name = "isolation", .open = open_job, .ask = ask_job, .call = call_job};
static const struct ward_job *const jobs[] = {&job, NULL};

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "isolation: %s\n", what);
    exit(1);
}

static uint64_t ask_worker(struct ward_worker_slot *s, const void *input)
{
    struct ward_err err = {0};
    struct ward_answer a;
    void *room = ward_worker_room(s, BYTES, &err);
    uint64_t sum;

    must(room != NULL, err.msg);
    memcpy(room, input, BYTES);
    must(ward_worker_call(s, 1, BYTES, NULL, &a, &err) == WARD_OK && a.n == sizeof(sum),
         err.msg);
    memcpy(&sum, a.data, sizeof(sum));
    return sum;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double median_us(int64_t *ns, size_t n)
{
    qsort(ns, n, sizeof(*ns), compare);
    return (double)ns[n / 2] / 1000;
}

int main(int argc, char **argv)
{
    static int64_t far[ROUNDS * CALLS], here[ROUNDS * CALLS];
    uint64_t *input = aligned_alloc(64, (BYTES + 63) & ~(size_t)63), want;
    struct ward_worker_slot *s = NULL;
    struct ward_worker *w = NULL;
    struct ward_err err = {0};
    double with, without;

    ward_worker_enter(argc, argv, jobs);
    must(input != NULL, "no memory");
    for (size_t i = 0; i < BYTES / sizeof(*input); i++)
        input[i] = i * 2654435761u;
    want = sum_of(input);
    must(ward_worker_start(&(struct ward_worker_config){.job = job.name, .name = "isolation"},
                           &w, &err) == WARD_OK &&
             ward_worker_slot_open(w, &s, &err) == WARD_OK,
         err.msg);
    for (size_t i = 0; i < WARD_COUNT(far); i++) {
        int64_t *to = i / CALLS % 2 == 0 ? &far[i] : &here[i];
        const int64_t began = ward_mono_ns();

        must((to == &far[i] ? ask_worker(s, input) : sum_of(input)) == want, "a wrong sum");
        *to = ward_mono_ns() - began;
    }
    for (size_t i = 0, n = 0; i < WARD_COUNT(far); i++)
        if (i / CALLS % 2 == 0) {
            far[n] = far[i];
            here[n++] = here[i + CALLS];
        }
    with = median_us(far, WARD_COUNT(far) / 2);
    without = median_us(here, WARD_COUNT(here) / 2);
    printf("{\"isolation_us\": %.1f, \"worker_us\": %.1f, \"in_process_us\": %.1f}\n",
           with - without, with, without);
    ward_worker_slot_close(s);
    ward_worker_close(w);
    free(input);
    return 0;
}
