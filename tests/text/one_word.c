/* one_word - a back end for the tests of the text extraction: its weights are a word, which it
 * labels wherever it stands.
 *
 * Input   "code_points"  I32 [1, n]; "terms" I32 [1, n], or none: labels it adopts
 * Output  "labels"       F32 [1, n, 3]: O, B_, I_
 *
 * Weights that begin with "!" make it answer wrongly on purpose: "!shape" a tensor of another
 * shape, "!nan" what is no number, "!inside" an I_ that follows nothing.
 */
#include <ward/plugin.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABELS 3

struct word {
    char bytes[64];
    char sha256[65];
    int32_t cp[64];
    int n;
};

static int fail(struct ward_plugin_err *err, int code, const char *msg)
{
    snprintf(err->msg, sizeof(err->msg), "%s", msg);
    return code;
}

static int devices(void *plugin, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err)
{
    (void)plugin;
    if (cap < 1)
        return fail(err, 3, "no room for a device");
    out[0] = (struct ward_device){.kind = WARD_CPU, .ordinal = -1, .ready = 1, .name = "cpu"};
    *n = 1;
    return 0;
}

static int model_load(void *plugin, const struct ward_model_spec *spec, void **model,
                      struct ward_plugin_err *err)
{
    struct word *w;

    (void)plugin;
    if (spec->data == NULL || spec->nbytes == 0 || spec->nbytes >= sizeof(w->bytes))
        return fail(err, 3, "the weights are one word");
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return fail(err, 8, "no memory");
    memcpy(w->bytes, spec->data, spec->nbytes);
    memcpy(w->sha256, spec->sha256, sizeof(w->sha256));
    for (const unsigned char *s = (const unsigned char *)w->bytes; *s != '\0';) {
        int more = *s < 0x80 ? 0 : *s < 0xE0 ? 1 : 2; /* enough for these tests */
        int32_t c = more == 0 ? *s : more == 1 ? *s & 0x1F : *s & 0x0F;

        for (s++; more > 0 && *s != '\0'; more--)
            c = c << 6 | (*s++ & 0x3F);
        w->cp[w->n++] = c;
    }
    *model = w;
    return 0;
}

static int model_info(void *model, struct ward_model_info *info)
{
    const struct word *w = model;

    memcpy(info->sha256, w->sha256, sizeof(info->sha256));
    snprintf(info->version, sizeof(info->version), "1");
    return 0;
}

static void model_free(void *model)
{
    free(model);
}

static int instance_new(void *model, int32_t device, void **instance,
                        struct ward_plugin_err *err)
{
    if (device != -1)
        return fail(err, 12, "the CPU only");
    *instance = model;
    return 0;
}

static void label(const struct word *w, const int32_t *cp, int64_t n, float *score)
{
    for (int64_t i = 0; i < n; i++)
        score[i * LABELS] = 1;
    for (int64_t i = 0; i + w->n <= n; i++) {
        if (memcmp(cp + i, w->cp, (size_t)w->n * sizeof(*cp)) != 0)
            continue;
        for (int k = 0; k < w->n; k++)
            score[(i + k) * LABELS + (k > 0 ? 2 : 1)] = 5;
    }
    if (strcmp(w->bytes, "!nan") == 0)
        score[0] = NAN;
    if (strcmp(w->bytes, "!inside") == 0)
        score[2] = 5; /* an I_ at the very beginning */
}

static int run(void *instance, struct ward_run *r, struct ward_plugin_err *err)
{
    const struct word *w = instance;
    const struct ward_tensor *in = r->in;
    bool wrong = strcmp(w->bytes, "!shape") == 0;
    int64_t n;
    float *score;

    if (r->cap_out < 1 || r->n_in < 1 || r->n_in > 2 || in->dtype != WARD_I32 ||
        in->rank != 2 || in->shape[0] != 1 || strcmp(in->name, "code_points") != 0)
        return fail(err, 3, "want one input, code_points I32 [1, n]");
    n = in->shape[1];
    score = r->alloc(r->ctx, (uint64_t)(n * LABELS) * sizeof(*score));
    if (score == NULL)
        return fail(err, 8, "no memory for the output");
    label(w, in->data, n, score);
    for (int64_t i = 0; r->n_in == 2 && i < n; i++)
        score[i * LABELS + ((const int32_t *)r->in[1].data)[i]] += 3;
    r->out[0] = (struct ward_tensor){.name = "labels",
                                     .dtype = WARD_F32,
                                     .rank = 3,
                                     .shape = {1, wrong ? LABELS : n, wrong ? n : LABELS},
                                     .data = score,
                                     .nbytes = (uint64_t)(n * LABELS) * sizeof(*score)};
    r->n_out = 1;
    return 0;
}

static void instance_free(void *instance)
{
    (void)instance;
}

const struct ward_plugin *ward_plugin_entry(void)
{
    static const struct ward_plugin self = {
        .size = sizeof(self),
        .major = WARD_PLUGIN_MAJOR,
        .minor = WARD_PLUGIN_MINOR,
        .name = "one_word",
        .version = "1.0.0",
        .devices = devices,
        .model_load = model_load,
        .model_info = model_info,
        .model_free = model_free,
        .instance_new = instance_new,
        .run = run,
        .instance_free = instance_free,
    };
    return &self;
}
