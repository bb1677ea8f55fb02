/* bench.h - what the programs of bench-diagnosis share: one model, run bare, through
 * common/serve or through the service. Threads, memory: as each says. Errors: none are
 * survived.
 */
#ifndef WARD_BENCH_DIAGNOSIS_H
#define WARD_BENCH_DIAGNOSIS_H

#include "common/serve/serve.h"
#include "tests/bench/load.h"

/* A model as the command line names it: PLUGINS MODELS FILE SHA256 INPUT OUTPUT SHAPE, the
 * shape of one row "1,1,28,28", and what it answers to the known question (0: any). */
struct subject {
    const char *plugins, *models, *file, *sha256;
    struct ward_known known;
    uint64_t row; /* values of one */
};
#define SUBJECT_ARGS 7
void subject_read(char **argv, struct subject *out);
/* `rows` rows of the known question's kind. */
void subject_input(const struct subject *s, int rows, struct ward_arena *mem,
                   struct ward_tensor *out);
struct ward_serve *subject_open(const struct subject *s);

int bare_main(int argc, char **argv);
int service_main(int argc, char **argv);
int stat_main(int argc, char **argv);
int goodput_main(int argc, char **argv);
int growth_main(int argc, char **argv);

int64_t thread_cpu_ns(void);

#endif
