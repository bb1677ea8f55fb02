#include "services/diagnosis/model/manifest.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/json/json.h"
#include "services/diagnosis/rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX        ((size_t)256 << 10)
#define TENSOR_SIDE_MAX 4096

/* State of reading a manifest. After the first fault, further steps change nothing. */
struct reading {
    struct ward_arena *mem;
    const char *wrong; /* the first faulty member; NULL: none so far */
};

static const char *text(struct reading *r, const struct ward_json *v, const char *key)
{
    const char *s = ward_json_string(ward_json_get(v, key));

    if (s == NULL && r->wrong == NULL)
        r->wrong = key;
    return s == NULL ? "" : s;
}

static double number(struct reading *r, const struct ward_json *v, const char *key, double lo,
                     double hi)
{
    double out = 0;

    if (!ward_json_f64(ward_json_get(v, key), &out) || !(out >= lo && out <= hi)) {
        if (r->wrong == NULL)
            r->wrong = key;
        return lo;
    }
    return out;
}

static void must(struct reading *r, bool fine, const char *key)
{
    if (!fine && r->wrong == NULL)
        r->wrong = key;
}

static bool is_hash(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static bool is_file(const char *s)
{
    return *s != '\0' && *s != '.' && strchr(s, '/') == NULL;
}

static struct manifest_code code(struct reading *r, const struct ward_json *v, const char *key)
{
    const struct ward_json *c = ward_json_get(v, key);

    must(r, c != NULL, key);
    return (struct manifest_code){text(r, c, "system"), text(r, c, "code"),
                                  text(r, c, "display")};
}

/* ---- the input ---- */

static void read_values(struct reading *r, const struct ward_json *list,
                        struct manifest_feature *f)
{
    if (list == NULL || ward_json_is(list, WARD_JSON_NULL))
        return;
    must(r, ward_json_is(list, WARD_JSON_ARRAY) && list->count <= MANIFEST_VALUES, "values");
    if (r->wrong != NULL)
        return;
    for (const struct ward_json *v = list->first; v != NULL; v = v->next)
        must(r, ward_json_f64(v, &f->value[f->n_values++]), "values");
}

static void read_feature(struct reading *r, const struct ward_json *v,
                         struct manifest_feature *f)
{
    const struct ward_json *missing = ward_json_get(v, "missing");

    f->name = text(r, v, "name");
    must(r, rule_name(f->name), "name");
    f->unit = text(r, v, "unit");
    f->min = number(r, v, "min", -1e9, 1e9);
    f->max = number(r, v, "max", f->min, 1e9);
    must(r, missing != NULL, "missing");
    f->has_missing = !ward_json_is(missing, WARD_JSON_NULL);
    if (f->has_missing)
        f->missing = number(r, v, "missing", f->min, f->max);
    read_values(r, ward_json_get(v, "values"), f);
}

static void read_features(struct reading *r, const struct ward_json *v, struct manifest *m)
{
    const struct ward_json *all = ward_json_get(v, "features");

    must(r,
         ward_json_is(all, WARD_JSON_ARRAY) && all->count > 0 &&
             all->count <= MANIFEST_FEATURES,
         "features");
    if (r->wrong != NULL)
        return;
    for (const struct ward_json *f = all->first; f != NULL; f = f->next)
        read_feature(r, f, &m->feature[m->n_features++]);
}

/* Reads the input's shape for a model whose callers send tensors: one row of the known answer's
 * input. */
static void read_tensor(struct reading *r, const struct ward_json *v, struct ward_known *k)
{
    const struct ward_json *shape = ward_json_get(v, "shape");

    must(r, ward_json_is(shape, WARD_JSON_ARRAY) && shape->count <= WARD_MAX_RANK, "shape");
    for (const struct ward_json *d = r->wrong == NULL ? shape->first : NULL; d != NULL;
         d = d->next) {
        int64_t size = 0;

        must(r, ward_json_i64(d, &size) && size >= 1 && size <= TENSOR_SIDE_MAX, "shape");
        k->shape[k->rank++] = size;
    }
}

static void read_input(struct reading *r, const struct ward_json *v, struct manifest *m)
{
    const char *kind = text(r, v, "kind");

    m->tensor = text(r, v, "tensor");
    m->image = strcmp(kind, "image") == 0;
    m->raw = strcmp(kind, "tensors") == 0;
    must(r, m->image || m->raw || strcmp(kind, "features") == 0, "kind");
    if (m->raw)
        read_tensor(r, v, &m->known);
    else if (!m->image)
        read_features(r, v, m);
}

/* Sets the shape of the known answer's input: one row. */
static void shape_known(struct manifest *m)
{
    struct ward_known *k = &m->known;

    if (m->raw)
        return;
    k->rank = m->image ? 4 : 2;
    k->shape[0] = 1;
    k->shape[1] = m->image ? m->steps.channels : m->n_features;
    k->shape[2] = m->steps.height;
    k->shape[3] = m->steps.width;
}

/* ---- the answer ---- */

static void read_outputs(struct reading *r, const struct ward_json *v,
                         const struct ward_json *guard, struct manifest *m)
{
    m->logit = text(r, v, "logit");
    m->far = ward_json_string(ward_json_get(v, "far"));
    m->near = ward_json_string(ward_json_get(v, "near"));
    m->heat_map = ward_json_string(ward_json_get(v, "heat_map"));
    m->far_limit = m->near_limit = HUGE_VAL;
    if (m->far != NULL)
        m->far_limit = number(r, guard, "far_limit", -1e12, 1e12);
    if (m->near != NULL)
        m->near_limit = number(r, guard, "near_limit", -1e12, 1e12);
}

static void read_finding(struct reading *r, const struct ward_json *v, struct manifest *m)
{
    m->finding =
        (struct manifest_code){text(r, v, "system"), text(r, v, "code"), text(r, v, "display")};
    m->threshold = number(r, v, "threshold", 0, 1);
    m->sensitivity = number(r, v, "sensitivity", 0, 1);
    m->specificity = number(r, v, "specificity", 0, 1);
}

static void read_known(struct reading *r, const struct ward_json *v, struct manifest *m)
{
    const struct ward_json *want = ward_json_get(v, "want");
    struct ward_known *k = &m->known;

    k->input = m->tensor;
    k->output = text(r, v, "output");
    k->lo = (float)number(r, v, "lo", -1e6, 1e6);
    k->hi = (float)number(r, v, "hi", (double)k->lo, 1e6);
    k->stride = (uint32_t)number(r, v, "stride", 1, 1e6);
    k->tolerance = (float)number(r, v, "tolerance", 1e-9, 1);
    must(r,
         ward_json_is(want, WARD_JSON_ARRAY) && want->count >= 1 &&
             want->count <= WARD_COUNT(k->want),
         "want");
    if (r->wrong != NULL)
        return;
    for (const struct ward_json *w = want->first; w != NULL; w = w->next) {
        double value = 0;

        must(r, ward_json_f64(w, &value), "want");
        k->want[k->n++] = (float)value;
    }
}

/* Reads the codes and limits with which an output is interpreted. */
static void read_meaning(struct reading *r, const struct ward_json *v, struct manifest *m)
{
    const struct ward_json *calibration;

    read_outputs(r, ward_json_get(v, "outputs"), ward_json_get(v, "guard"), m);
    calibration = ward_json_get(v, "calibration");
    m->scale = number(r, calibration, "scale", 1e-6, 1e6);
    m->shift = number(r, calibration, "shift", -1e6, 1e6);
    read_finding(r, ward_json_get(v, "finding"), m);
    m->report = code(r, ward_json_get(v, "report"), "code");
    m->category = code(r, ward_json_get(v, "report"), "category");
}

static void read_devices(struct reading *r, const struct ward_json *v, struct manifest *m)
{
    const struct ward_json *list = ward_json_get(v, "devices");
    const char *fallback = ward_json_string(ward_json_get(v, "fallback"));

    must(r,
         list == NULL || (ward_json_is(list, WARD_JSON_ARRAY) && list->count >= 1 &&
                          list->count <= MANIFEST_DEVICES),
         "devices");
    for (const struct ward_json *d = r->wrong == NULL && list != NULL ? list->first : NULL;
         d != NULL; d = d->next) {
        const char *kind = ward_json_string(d);

        must(r, kind != NULL && rule_name(kind), "devices");
        m->device[m->n_devices++] = kind;
    }
    m->deny = fallback != NULL && strcmp(fallback, "deny") == 0;
    must(r, fallback == NULL || m->deny || strcmp(fallback, "degraded") == 0, "fallback");
}

enum ward_code manifest_parse(const char *bytes, size_t n, struct ward_arena *mem,
                              struct manifest *out, struct ward_err *err)
{
    struct reading r = {.mem = mem};
    const struct ward_json *v;
    const char *file;
    struct manifest m = {0};

    WARD_TRY(ward_json_parse(bytes, n, NULL, mem, &v, err));
    number(&r, v, "format", 1, 1);
    m.name = text(&r, v, "name");
    m.version = text(&r, v, "version");
    must(&r, rule_name(m.name), "name");
    must(&r, rule_name(m.version), "version");
    m.intended_use = text(&r, v, "intended_use");
    file = text(&r, v, "file");
    must(&r, is_file(file), "file");
    m.sha256 = text(&r, v, "sha256");
    must(&r, is_hash(m.sha256), "sha256");
    read_input(&r, ward_json_get(v, "input"), &m);
    if (!m.raw)
        read_meaning(&r, v, &m);
    if (ward_json_get(v, "min_share") != NULL)
        m.min_share = number(&r, v, "min_share", 0, 1);
    read_devices(&r, v, &m);
    read_known(&r, ward_json_get(v, "known"), &m);
    if (r.wrong != NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_MANIFEST",
                                "the manifest's %s is missing or invalid", r.wrong);
    if (!m.raw)
        WARD_TRY(steps_parse(ward_json_get(v, "preprocess"), m.n_features, mem, &m.steps, err));
    WARD_TRY(diagnosis_series_parse(ward_json_get(ward_json_get(v, "input"), "series"),
                                    &m.series, err));
    shape_known(&m);
    m.file = ward_printf(mem, "%s/%s/%s", m.name, m.version, file);
    if (m.file == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a manifest");
    *out = m;
    return WARD_OK;
}

/* ---- the files ---- */

static enum ward_code slurp(const char *dir, const char *name, const char *version,
                            const char *file, struct ward_arena *mem, char **out, size_t *n,
                            struct ward_err *err)
{
    const char *path = ward_printf(mem, "%s/%s/%s/%s", dir, name, version, file);
    char *bytes = ward_alloc(mem, FILE_MAX);
    FILE *f = path == NULL || bytes == NULL ? NULL : fopen(path, "re");
    bool bad;

    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot read %s of %s/%s", file, name, version);
    *n = fread(bytes, 1, FILE_MAX, f);
    bad = ferror(f) != 0 || *n == FILE_MAX;
    fclose(f);
    *out = bytes;
    return bad ? WARD_FAIL(err, NOT_FOUND, "cannot read %s of %s/%s", file, name, version)
               : WARD_OK;
}

static enum ward_code check_signature(const char *dir, const char *name, const char *version,
                                      const struct manifest_trust *trust,
                                      struct ward_arena *mem, struct manifest *m,
                                      struct ward_err *err)
{
    const char *model = ward_printf(mem, "%s/%s", name, version);
    struct ward_release_keys keys;
    struct ward_release r;
    char *note;
    size_t n;

    if (model == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a manifest");
    if (ward_release_keys_read(trust->keys, &keys, err) != WARD_OK)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_SIGNATURE",
                                "the file of trusted model keys cannot be read");
    if (slurp(dir, name, version, WARD_RELEASE_FILE, mem, &note, &n, NULL) != WARD_OK)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_SIGNATURE",
                                "the model %s has no " WARD_RELEASE_FILE, model);
    WARD_TRY(ward_release_open(note, n, &keys, &r, err));
    WARD_TRY(ward_release_lists(&r, model, "manifest.json", m->manifest_sha256, err));
    memcpy(m->signed_by, r.signer, sizeof(m->signed_by));
    return WARD_OK;
}

enum ward_code manifest_read(const char *dir, const char *name, const char *version,
                             const struct manifest_trust *trust, struct ward_arena *mem,
                             struct manifest *out, struct ward_err *err)
{
    uint8_t sum[WARD_SHA256_SIZE];
    struct manifest m;
    enum ward_code code;
    char *bytes;
    size_t n;

    WARD_TRY(slurp(dir, name, version, "manifest.json", mem, &bytes, &n, err));
    WARD_TRY(manifest_parse(bytes, n, mem, &m, err));
    if (strcmp(m.name, name) != 0 || strcmp(m.version, version) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_MANIFEST",
                                "the manifest at %s/%s belongs to another model", name,
                                version);
    ward_sha256(bytes, n, sum);
    ward_hex(sum, sizeof(sum), m.manifest_sha256);
    code = check_signature(dir, name, version, trust, mem, &m, err);
    if (code != WARD_OK && !trust->allow_unsigned)
        return code;
    *out = m;
    return WARD_OK;
}

bool manifest_may_run_on(const struct manifest *m, const char *kind, size_t n)
{
    static const char *const KINDS[] = {"cpu", "gpu", "npu"};
    bool known = false;

    for (size_t i = 0; i < WARD_COUNT(KINDS); i++)
        known |= strlen(KINDS[i]) == n && memcmp(KINDS[i], kind, n) == 0;
    /* the manifest does not restrict back ends with other names; the operator selects them */
    if (m->n_devices == 0 || !known)
        return true;
    for (int i = 0; i < m->n_devices; i++)
        if (strlen(m->device[i]) == n && memcmp(m->device[i], kind, n) == 0)
            return true;
    return false;
}
