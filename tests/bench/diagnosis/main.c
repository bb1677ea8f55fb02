/* diagnosis_load WHAT ...: one measurement of bench-diagnosis, as one line of JSON. */
#include "tests/bench/diagnosis/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t thread_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void subject_read(char **argv, struct subject *out)
{
    struct ward_known *k = &out->known;
    char *shape = argv[6];

    *out = (struct subject){
        .plugins = argv[0], .models = argv[1], .file = argv[2], .sha256 = argv[3], .row = 1};
    *k = (struct ward_known){
        .input = argv[4], .output = argv[5], .hi = 1, .stride = 1, .n = 1, .tolerance = 1e9f};
    while (*shape != '\0') {
        int64_t side = strtoll(shape, &shape, 10);

        k->shape[k->rank++] = side;
        out->row *= (uint64_t)side;
        shape += *shape == ',';
    }
}

void subject_input(const struct subject *s, int rows, struct ward_arena *mem,
                   struct ward_tensor *out)
{
    struct ward_err err = {0};

    if (!ward_known_tensor(&s->known, NULL, rows, mem, out))
        must(WARD_RESOURCE_EXHAUSTED, &err, "an input");
}

struct ward_serve *subject_open(const struct subject *s)
{
    struct ward_serve_config cfg = {
        .plugins = s->plugins,
        .models = s->models,
        .order = "cpu",
        .fallback = "deny",
        .model = {{.name = "bench", .file = s->file, .sha256 = s->sha256, .known = &s->known}}};
    struct ward_serve *serve = NULL;
    struct ward_err err = {0};

    must(ward_serve_open(&cfg, &serve, &err), &err, "the model");
    return serve;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*fn)(int argc, char **argv);
    } what[] = {{"bare", bare_main},
                {"service", service_main},
                {"stat", stat_main},
                {"goodput", goodput_main},
                {"growth", growth_main}};

    for (size_t i = 0; argc > 1 && i < WARD_COUNT(what); i++)
        if (strcmp(argv[1], what[i].name) == 0)
            return what[i].fn(argc - 2, argv + 2);
    fprintf(stderr, "diagnosis_load bare|service|stat|goodput|growth ...\n");
    return 2;
}
