/* manifest.h - reads the description of a model, models/<name>/<version>/manifest.json.
 * docs/diagnosis-models.md describes each field.
 *
 * Threads: a manifest is read-only once read. Memory: the arena passed in. Errors: NOT_FOUND if
 * the file does not exist; FAILED_PRECONDITION MODEL_MANIFEST for an invalid manifest, with the
 * faulty member. */
#ifndef DIAGNOSIS_MODEL_MANIFEST_H
#define DIAGNOSIS_MODEL_MANIFEST_H

#include "common/host/host.h"
#include "common/serve/release.h"
#include "services/diagnosis/decode/series.h"
#include "services/diagnosis/steps/steps.h"

#define MANIFEST_FEATURES 64
#define MANIFEST_VALUES   16 /* maximum number of values of a categorical feature */
#define MANIFEST_DEVICES  4

struct manifest_code {
    const char *system, *code, *display;
};

struct manifest_feature {
    const char *name, *unit;
    double min, max; /* outside of this range the model abstains */
    bool has_missing;
    double missing; /* replaces a missing value, if has_missing */
    int n_values;   /* 0: any value of min..max; otherwise only value[0..n_values) */
    double value[MANIFEST_VALUES];
};

struct manifest {
    const char *name, *version, *intended_use;
    const char *file; /* relative to the folder of models */
    const char *sha256;
    bool image;           /* the input is an image; if neither `image` nor `raw`: features */
    bool raw;             /* the input is tensors, only for the Open Inference Protocol */
    const char *tensor;   /* name of the input */
    struct steps steps;   /* steps that prepare an input */
    struct series series; /* the series that the model accepts */
    int n_features;
    struct manifest_feature feature[MANIFEST_FEATURES];
    /* names of outputs; NULL if absent (logit is required) */
    const char *logit, *far, *near, *heat_map;
    double scale, shift;          /* calibration of the logit */
    double far_limit, near_limit; /* HUGE_VAL if the model has no such output */
    struct manifest_code finding, report, category;
    double threshold, sensitivity, specificity;
    double min_share; /* minimum share of nodes that the device must run; 0: any */
    int n_devices;    /* kinds of devices on which the model may run; 0: any */
    const char *device[MANIFEST_DEVICES];
    bool deny;                /* use only the first device of the order */
    char manifest_sha256[65]; /* digest of manifest.json */
    /* name of the signing key; "" if unsigned models are allowed */
    char signed_by[WARD_NAME_MAX + 1];
    struct ward_known known;
};

/* The keys whose signatures are accepted. */
struct manifest_trust {
    const char *keys;    /* the file of trusted verifier keys */
    bool allow_unsigned; /* accept unsigned models, for development */
};
/* Reads dir/name/version/manifest.json, and verifies its signature (common/serve/release.h).
 *   FAILED_PRECONDITION  MODEL_SIGNATURE too */
WARD_MUST enum ward_code manifest_read(const char *dir, const char *name, const char *version,
                                       const struct manifest_trust *trust,
                                       struct ward_arena *mem, struct manifest *out,
                                       struct ward_err *err);
/* Whether a device of this kind ("gpu", n bytes) may run the model. */
bool manifest_may_run_on(const struct manifest *m, const char *kind, size_t n);
/* Parses the text of a manifest, without a signature: for tests and the fuzzer. */
WARD_MUST enum ward_code manifest_parse(const char *bytes, size_t n, struct ward_arena *mem,
                                        struct manifest *out, struct ward_err *err);

#endif
