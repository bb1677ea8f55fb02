/* face_capture - from a photograph's bytes to the decision, as Verify does it, beside the bare
 * models in one loop: one thread, the same photographs, turn by turn.
 *
 *   face_capture MODELS PLUGINS PACK CALIBRATION PHOTOGRAPH...
 *
 * Photographs that cannot be used, or need a second look with padding, are left out of both.
 * The bare models run as often as the service runs them for such a photograph: detector once,
 * landmarks twice, embedding once, each through the host with an input that lies ready. The
 * decision opens a sealed template, turns the probe, compares and looks up the threshold.
 * Prints one line of JSON; the ratio is the median of the ratios within a turn.
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/vault/rotate.h"
#include "services/identity/face/face.h"
#include "services/identity/photo.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/scan/scan_testing.h"

#define PHOTOS 400
#define ROUNDS 3
#define RUNS   3 /* models: detector, landmarks, embedding */

struct bare {
    struct ward_engine *engine;
    int times;
    int shape[4];
    struct ward_tensor in;
};

struct bench {
    struct identity id;
    struct worker w;
    struct ward_arena mem;
    struct bare bare[RUNS];
    struct calibration cal;
    struct ward_rotation turn;
    uint8_t key[WARD_KEY_SIZE], sealed[FACE_DIM_MAX * sizeof(float) + WARD_SEAL_EXTRA];
    int dim;
    int n;
    struct {
        uint8_t *bytes;
        size_t len;
    } photo[PHOTOS];
    int n_ratios, matches;
    double ratio[PHOTOS * ROUNDS], capture_ms[PHOTOS * ROUNDS], bare_ms[PHOTOS * ROUNDS];
};

static void must(const char *what, enum ward_code code, const struct ward_err *err)
{
    if (code == WARD_OK)
        return;
    fprintf(stderr, "face_capture: %s: %s [%s]\n", what, err->msg, err->detail);
    exit(1);
}

static enum ward_code fine(void *arg, struct ward_err *err)
{
    (void)arg, (void)err;
    return WARD_OK;
}

/* Made once, of noise: a model takes as long for it as for a face. */
static void make_input(struct bare *m)
{
    uint64_t n = sizeof(float), seed = 1;

    m->in = (struct ward_tensor){.name = "input", .dtype = WARD_F32, .rank = 4};
    for (int d = 0; d < 4; d++) {
        m->in.shape[d] = m->shape[d];
        n *= (uint64_t)m->shape[d];
    }
    m->in.nbytes = n;
    m->in.data = aligned_alloc(64, (n + 63) / 64 * 64);
    if (m->in.data == NULL)
        exit(1);
    for (uint64_t i = 0; i < n / sizeof(float); i++)
        ((float *)m->in.data)[i] = test_normal(&seed) / 2;
}

static void open_bare(struct bench *b, const char *models, const char *plugins,
                      const char *pack)
{
    static const int which[RUNS] = {FACE_DETECT, FACE_LANDMARK, FACE_FEATURE};
    static const int times[RUNS] = {1, 2, 1};
    static const int shape[RUNS][4] = {{1, 3, 240, 320}, {1, 1, 64, 64}, {1, 3, 112, 112}};
    const struct face_recipe *recipe = face_recipe(pack);
    struct ward_backend *cpu = NULL;
    struct ward_err err = {0};

    must("the back end", ward_backend_open(plugins, "cpu", &cpu, &err), &err);
    for (int i = 0; i < RUNS; i++) {
        const struct face_weights *w = recipe->model[which[i]];
        struct ward_model_config cfg = {.name = w->name, .sha256 = w->sha256, .threads = 1};
        struct ward_model *model = NULL;
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", models, w->file);
        cfg.path = path;
        must(w->name, ward_model_load(cpu, &cfg, &model, &err), &err);
        must(w->name, ward_engine_new(model, -1, &b->bare[i].engine, &err), &err);
        b->bare[i].times = times[i];
        memcpy(b->bare[i].shape, shape[i], sizeof(shape[i]));
        make_input(&b->bare[i]);
    }
}

static void run_bare(struct bench *b)
{
    struct ward_err err = {0};

    for (int i = 0; i < RUNS; i++) {
        for (int k = 0; k < b->bare[i].times; k++) {
            struct ward_tensor out[8];
            uint32_t n_out = WARD_COUNT(out);

            must("a model",
                 ward_engine_run(b->bare[i].engine, &b->mem, NULL, &b->bare[i].in, 1, out,
                                 &n_out, &err),
                 &err);
        }
    }
    ward_arena_reset(&b->mem);
}

/* What Verify does once it has an embedding. */
static bool decide(struct bench *b, const struct photo *p)
{
    float kept[FACE_DIM_MAX], probe[FACE_DIM_MAX];
    struct operating_point at;
    struct ward_err err = {0};

    must("the template",
         ward_unseal(b->key, "bench", 5, b->sealed,
                     (size_t)b->dim * sizeof(float) + WARD_SEAL_EXTRA, (uint8_t *)kept, &err),
         &err);
    memcpy(probe, p->face.embedding, sizeof(probe));
    ward_rotate(&b->turn, probe);
    must("the threshold", rule_operating_point(&b->cal, 0, &at, &err), &err);
    return face_cosine(kept, probe, b->dim) >= at.threshold;
}

static bool capture(struct bench *b, int i, struct photo *p)
{
    struct photo_want want = {.largest_only = true};
    struct ward_stop stop = {.deadline_ns = WARD_NO_DEADLINE};
    struct ward_err err = {0};
    bool match = false;

    must("a photograph",
         photo_read(&b->w, &b->mem, &stop, b->photo[i].bytes, b->photo[i].len, &want, p, &err),
         &err);
    if (p->gate == USABLE)
        match = decide(b, p);
    return match;
}

static void seal_first(struct bench *b, const struct photo *p)
{
    float v[FACE_DIM_MAX];
    struct ward_err err = {0};

    memcpy(v, p->face.embedding, sizeof(v));
    ward_rotate(&b->turn, v);
    must("sealing",
         ward_seal(b->key, "bench", 5, v, (size_t)b->dim * sizeof(float), b->sealed, &err),
         &err);
}

/* Leaves what is usable at once; the first one's face is the template. */
static void choose(struct bench *b)
{
    int kept = 0;

    for (int i = 0; i < b->n; i++) {
        struct photo_want want = {.largest_only = true};
        struct ward_err err = {0};
        struct photo p;

        if (photo_read(&b->w, &b->mem, NULL, b->photo[i].bytes, b->photo[i].len, &want, &p,
                       &err) == WARD_OK &&
            p.gate == USABLE && !p.quality.padded) {
            if (kept == 0)
                seal_first(b, &p);
            b->photo[kept++] = b->photo[i];
        } else {
            free(b->photo[i].bytes);
        }
        ward_arena_reset(&b->mem);
    }
    b->n = kept;
}

static void measure(struct bench *b)
{
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < b->n; i++) {
            int64_t t0 = ward_mono_ns(), t1, t2;
            struct photo p;

            b->matches += capture(b, i, &p);
            ward_arena_reset(&b->mem);
            t1 = ward_mono_ns();
            run_bare(b);
            t2 = ward_mono_ns();
            b->capture_ms[b->n_ratios] = (double)(t1 - t0) / 1e6;
            b->bare_ms[b->n_ratios] = (double)(t2 - t1) / 1e6;
            b->ratio[b->n_ratios++] = (double)(t1 - t0) / (double)(t2 - t1);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof(*v), ascending);
    return n == 0 ? 0 : v[n / 2];
}

static void read_photo(struct bench *b, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *bytes;

    if (fd < 0 || fstat(fd, &st) != 0 || b->n == PHOTOS)
        return;
    bytes = malloc((size_t)st.st_size);
    if (bytes != NULL && read(fd, bytes, (size_t)st.st_size) == st.st_size) {
        b->photo[b->n].len = (size_t)st.st_size;
        b->photo[b->n++].bytes = bytes;
    }
    close(fd);
}

static void set_up(struct bench *b, char **argv)
{
    struct face_pack_config cfg = {.models = argv[1],
                                   .plugins = argv[2],
                                   .pack = argv[3],
                                   .order = "cpu",
                                   .fallback = "deny"};
    struct ward_err err = {0};

    ward_arena_init(&b->mem, IDENTITY_ARENA);
    must("the pack", face_pack_open(&cfg, &b->id.now.pack, &err), &err);
    must("the engine", face_engine_open(b->id.now.pack, &b->w.face, &err), &err);
    must("the canary", ward_canary_start("bench", 3600000, fine, NULL, &b->id.canary, &err),
         &err);
    b->dim = face_pack_dim(b->id.now.pack);
    must("the calibration",
         calibration_load(argv[4], face_pack_sha256(b->id.now.pack), &b->cal, &err), &err);
    b->w.id = &b->id;
    ward_random(b->key, sizeof(b->key));
    if (!ward_rotation_make(b->key, "bench", b->dim, &b->turn))
        exit(1);
    open_bare(b, argv[1], argv[2], argv[3]);
}

int main(int argc, char **argv)
{
    static struct bench b;

    if (argc < 6) {
        fprintf(stderr, "usage: face_capture MODELS PLUGINS PACK CALIBRATION PHOTOGRAPH...\n");
        return 2;
    }
    ward_log_begin("face_capture");
    set_up(&b, argv);
    for (int i = 5; i < argc; i++)
        read_photo(&b, argv[i]);
    choose(&b);
    if (b.n == 0) {
        fprintf(stderr, "face_capture: no photograph could be used\n");
        return 1;
    }
    measure(&b);
    printf("{\"photographs\": %d, \"matches\": %d, \"capture_ms\": %.3f, \"bare_ms\": %.3f,"
           " \"capture_over_bare_models\": %.4f}\n",
           b.n, b.matches, median(b.capture_ms, b.n_ratios), median(b.bare_ms, b.n_ratios),
           median(b.ratio, b.n_ratios));
    return 0;
}
