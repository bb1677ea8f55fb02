/* manifest.h - what a model is, as models/<name>/<version>/manifest.json says:
 * docs/diagnosis-models.md has it field by field.
 *
 * Threads: read-only once read. Memory: the arena given. Errors: NOT_FOUND no such file;
 * FAILED_PRECONDITION MODEL_MANIFEST: it is none, with the member that is at fault.
 */
#ifndef DIAGNOSIS_MODEL_MANIFEST_H
#define DIAGNOSIS_MODEL_MANIFEST_H

#include "common/host/host.h"
#include "common/serve/release.h"
#include "services/diagnosis/decode/series.h"
#include "services/diagnosis/steps/steps.h"

#define MANIFEST_FEATURES 64
#define MANIFEST_VALUES   16 /* of a feature that is a category */
#define MANIFEST_DEVICES  4

struct manifest_code {
    const char *system, *code, *display;
};

struct manifest_feature {
    const char *name, *unit;
    double min, max; /* outside: the model abstains */
    bool has_missing;
    double missing; /* stands where none is given */
    int n_values;   /* 0: any of min..max; else these alone */
    double value[MANIFEST_VALUES];
};

struct manifest {
    const char *name, *version, *intended_use;
    const char *file; /* below the folder of models */
    const char *sha256;
    bool image;           /* else features, */
    bool raw;             /* or tensors: for the Open Inference Protocol alone */
    const char *tensor;   /* the input's */
    struct steps steps;   /* what is done to an input */
    struct series series; /* which films it reads */
    int n_features;
    struct manifest_feature feature[MANIFEST_FEATURES];
    const char *logit, *far, *near, *heat_map; /* outputs; NULL but for logit: none */
    double scale, shift;                       /* of the calibration */
    double far_limit, near_limit;              /* HUGE_VAL where there is no such output */
    struct manifest_code finding, report, category;
    double threshold, sensitivity, specificity;
    double min_share; /* of its nodes the device must run; 0: any */
    int n_devices;    /* kinds that it may run on; 0: any */
    const char *device[MANIFEST_DEVICES];
    bool deny;                /* no device but the first of the order */
    char manifest_sha256[65]; /* of manifest.json */
    char
        signed_by[WARD_NAME_MAX + 1]; /* the key's name; "" where unsigned models are allowed */
    struct ward_known known;
};

/* Whose signatures count. */
struct manifest_trust {
    const char *keys;    /* the file of trusted verifier keys */
    bool allow_unsigned; /* for development */
};
/* dir/name/version/manifest.json and its signature (common/serve/release.h).
 *   FAILED_PRECONDITION  MODEL_SIGNATURE too */
WARD_MUST enum ward_code manifest_read(const char *dir, const char *name, const char *version,
                                       const struct manifest_trust *trust,
                                       struct ward_arena *mem, struct manifest *out,
                                       struct ward_err *err);
/* A device of this kind ("gpu", n bytes) may run it. */
bool manifest_may_run_on(const struct manifest *m, const char *kind, size_t n);
/* The same of its bytes: for tests and the fuzzer. */
WARD_MUST enum ward_code manifest_parse(const char *bytes, size_t n, struct ward_arena *mem,
                                        struct manifest *out, struct ward_err *err);

#endif
