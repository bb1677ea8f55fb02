/* bare SUBJECT MOST MS: the model alone, one thread, batches of 1, 2, 4 ... MOST, each for MS
 * ms:
 * {"answer", "sizes": [{"rows", "us", "cpu_us_row"}]}: us is the median run, cpu_us_row the
 * thread's own time for one row. */
#include "common/base/clock.h"
#include "tests/bench/diagnosis/bench.h"

#include <stdio.h>

#define MEM ((size_t)1 << 30)

static void run(struct ward_engine *e, struct ward_arena *mem, const struct ward_tensor *in,
                float *answer)
{
    struct ward_tensor out[WARD_MAX_IO];
    uint32_t n = WARD_MAX_IO;
    struct ward_err err = {0};

    must(ward_engine_run(e, mem, NULL, in, 1, out, &n, &err), &err, "a run");
    *answer = *(const float *)out[0].data;
}

static void measure(struct ward_engine *e, const struct subject *s, int rows, int64_t ms)
{
    struct ward_arena in_mem, mem;
    struct ward_tensor in;
    struct times t = {0};
    int64_t until, cpu;
    float answer;

    ward_arena_init(&in_mem, MEM);
    ward_arena_init(&mem, MEM);
    subject_input(s, rows, &in_mem, &in);
    for (int i = 0; i < 3; i++, ward_arena_reset(&mem))
        run(e, &mem, &in, &answer);
    until = ward_mono_ns() + ms * 1000000;
    cpu = thread_cpu_ns();
    while (t.n < 5 || ward_mono_ns() < until) {
        int64_t began = ward_mono_ns();

        run(e, &mem, &in, &answer);
        times_add(&t, (double)(ward_mono_ns() - began) / 1e6);
        ward_arena_reset(&mem);
    }
    cpu = thread_cpu_ns() - cpu;
    printf("%s{\"rows\": %d, \"us\": %.3f, \"cpu_us_row\": %.4f}", rows > 1 ? ", " : "", rows,
           times_at(&t, 0.5) * 1000, (double)cpu / 1000 / (double)t.n / rows);
    times_free(&t);
    ward_arena_done(&mem);
    ward_arena_done(&in_mem);
}

int bare_main(int argc, char **argv)
{
    struct ward_err err = {0};
    struct ward_backend *b;
    struct ward_model *m;
    struct ward_engine *e;
    struct ward_arena mem;
    struct ward_tensor in;
    struct subject s;
    char path[4096];
    float answer = 0;
    int most;

    if (argc != SUBJECT_ARGS + 2)
        return 2;
    subject_read(argv, &s);
    most = (int)number(argv[SUBJECT_ARGS], 65536);
    snprintf(path, sizeof(path), "%s/%s", s.models, s.file);
    must(ward_backend_open(s.plugins, "cpu", &b, &err), &err, "the back end");
    must(ward_model_load(b, &(struct ward_model_config){"bench", path, s.sha256, 1}, &m, &err),
         &err, "the model");
    must(ward_engine_new(m, -1, &e, &err), &err, "an engine");
    ward_arena_init(&mem, MEM);
    subject_input(&s, 1, &mem, &in);
    run(e, &mem, &in, &answer);
    printf("{\"answer\": %.9g, \"sizes\": [", (double)answer);
    for (int rows = 1; rows <= most; rows *= 2)
        measure(e, &s, rows, number(argv[SUBJECT_ARGS + 1], 600000));
    printf("]}\n");
    ward_arena_done(&mem);
    ward_engine_free(e);
    ward_model_unload(m);
    ward_backend_close(b);
    return 0;
}
