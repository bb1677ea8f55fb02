/* device_speed - the face models on every device this machine has, beside the cpu back end.
 *
 *   device_speed PLUGINS_DIR MODELS_DIR RESULT.json
 *
 * One picture at a time, from the host's memory to the host's memory, one CPU thread. Devices
 * take turns run by run, so that what else the machine does falls on all of them. Beside the
 * median and its 5th and 95th percentile: how far the answers lie from the cpu back end's. A
 * kind of device that is not here is said to be skipped. WARD_NPU_PROVIDERS: as the npu back
 * end's npu_providers.
 */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/host/host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS  200
#define WARM_UP 10
#define MOST    8 /* devices */
#define MEM_CAP ((size_t)64 << 20)

struct subject {
    const char *name, *file;
    uint32_t rank;
    int64_t shape[4];
};
static const struct subject subjects[] = {
    {"face_detect", "faceplugin/fr_detect.onnx", 4, {1, 3, 240, 320}},
    {"face_landmark", "faceplugin/fr_landmark.onnx", 4, {1, 1, 64, 64}},
    {"face_embed", "faceplugin/fr_feature.onnx", 4, {1, 3, 112, 112}},
    {"face_liveness", "faceplugin/fr_liveness.onnx", 4, {1, 3, 128, 128}},
    {"face_pose", "faceplugin/fr_pose.onnx", 4, {1, 3, 224, 224}},
};

struct place {
    const char *backend;
    struct ward_backend *b;
    struct ward_device device;
    struct ward_model *model;
    struct ward_engine *engine;
    struct ward_arena mem;
    double ms[ROUNDS], off; /* the largest difference from the cpu's answer */
};

static struct {
    struct place at[MOST];
    int n;
    FILE *out;
    bool first;
} d;

static _Noreturn void die(const char *what, const struct ward_err *err)
{
    fprintf(stderr, "device_speed: %s: %s (%s)\n", what, err->msg, err->detail);
    exit(2);
}

static void find_devices(const char *plugins, const char *backend,
                         const struct ward_option *options, int n_options)
{
    struct ward_device found[MOST];
    struct ward_backend *b = NULL;
    struct ward_err err = {0};
    uint32_t n = MOST;

    if (ward_backend_open_with(plugins, backend, options, n_options, &b, &err) != WARD_OK ||
        ward_backend_devices(b, found, &n, &err) != WARD_OK)
        die(backend, &err);
    if (n == 0)
        printf("skipped: no %s: %s\n", backend, err.detail);
    for (uint32_t i = 0; i < n && d.n < MOST; i++)
        d.at[d.n++] = (struct place){.backend = backend, .b = b, .device = found[i]};
}

static char *digest(const char *path, char hex[65])
{
    static unsigned char bytes[64 << 20];
    uint8_t sum[WARD_SHA256_SIZE];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL) {
        perror(path);
        exit(2);
    }
    n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    ward_sha256(bytes, n, sum);
    ward_hex(sum, sizeof(sum), hex);
    return hex;
}

static struct ward_tensor run(struct place *p, const struct subject *s, double *ms)
{
    struct ward_tensor in = {.name = "input", .dtype = WARD_F32, .rank = s->rank}, out[8];
    struct ward_err err = {0};
    uint32_t n_out = 8;
    int64_t began;

    in.nbytes = sizeof(float);
    for (uint32_t i = 0; i < s->rank; i++) {
        in.shape[i] = s->shape[i];
        in.nbytes *= (uint64_t)s->shape[i];
    }
    ward_arena_reset(&p->mem);
    in.data = ward_alloc64(&p->mem, in.nbytes);
    ward_known_input(in.data, in.nbytes / sizeof(float), -1, 1);
    began = ward_mono_ns();
    if (ward_engine_run(p->engine, &p->mem, NULL, &in, 1, out, &n_out, &err) != WARD_OK)
        die(p->backend, &err);
    *ms = (double)(ward_mono_ns() - began) / 1e6;
    return out[0];
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double difference(const struct ward_tensor *a, const struct ward_tensor *b)
{
    double most = 0;

    for (uint64_t i = 0; i < a->nbytes / sizeof(float); i++)
        most = fmax(most, fabs((double)((float *)a->data)[i] - (double)((float *)b->data)[i]));
    return most;
}

static void report(const struct subject *s)
{
    for (int i = 0; i < d.n; i++) {
        struct place *p = &d.at[i];
        double median = p->ms[ROUNDS / 2], cpu = d.at[0].ms[ROUNDS / 2];

        printf("  %-14s %-4s %-40.40s %7.3f ms (%.3f to %.3f)  %5.2f x cpu  off by %.1e\n",
               s->name, p->backend, p->device.name, median, p->ms[ROUNDS / 20],
               p->ms[ROUNDS - 1 - ROUNDS / 20], cpu / median, p->off);
        fprintf(d.out,
                "%s{\"model\":\"%s\",\"backend\":\"%s\",\"device\":\"%s\",\"ms\":%.4f,"
                "\"speed_vs_cpu\":%.3f,\"off\":%.2e}",
                d.first ? "" : ",\n", s->name, p->backend, p->device.name, median, cpu / median,
                p->off);
        d.first = false;
    }
}

static void measure(const struct subject *s, const char *models)
{
    char path[4096], hex[65];
    struct ward_err err = {0};

    snprintf(path, sizeof(path), "%s/%s", models, s->file);
    for (int i = 0; i < d.n; i++) {
        struct ward_model_config cfg = {
            .name = s->name, .path = path, .sha256 = digest(path, hex)};
        struct place *p = &d.at[i];

        if (ward_model_load(p->b, &cfg, &p->model, &err) != WARD_OK ||
            ward_engine_new(p->model, p->device.ordinal, &p->engine, &err) != WARD_OK)
            die(p->backend, &err);
        ward_arena_init(&p->mem, MEM_CAP);
    }
    for (int round = -WARM_UP; round < ROUNDS; round++) {
        struct ward_tensor cpu = {0};

        for (int i = 0; i < d.n; i++) {
            double ms;
            struct ward_tensor out = run(&d.at[i], s, &ms);

            if (i == 0)
                cpu = out;
            d.at[i].off = difference(&cpu, &out);
            if (round >= 0)
                d.at[i].ms[round] = ms;
        }
    }
    for (int i = 0; i < d.n; i++)
        qsort(d.at[i].ms, ROUNDS, sizeof(double), ascending);
    report(s);
    for (int i = 0; i < d.n; i++) {
        ward_engine_free(d.at[i].engine);
        ward_model_unload(d.at[i].model);
        ward_arena_done(&d.at[i].mem);
    }
}

int main(int argc, char **argv)
{
    struct ward_option options[] = {{"npu_providers", getenv("WARD_NPU_PROVIDERS")}};

    if (argc != 4 || (d.out = fopen(argv[3], "w")) == NULL) {
        fprintf(stderr, "usage: device_speed PLUGINS_DIR MODELS_DIR RESULT.json\n");
        return 2;
    }
    ward_log_level(WARD_LOG_ERROR);
    find_devices(argv[1], "cpu", options, 1);
    find_devices(argv[1], "gpu", options, 1);
    find_devices(argv[1], "npu", options, 1);
    fprintf(d.out, "[");
    d.first = true;
    for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
        measure(&subjects[i], argv[2]);
    fprintf(d.out, "]\n");
    return fclose(d.out) == 0 ? 0 : 1;
}
