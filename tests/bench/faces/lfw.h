/* lfw.h - LFW's pairs and pictures, read and embedded by identity's own pipeline.
 * Threads: one. Memory: lfw_free. Errors: the program ends with a message: a measurement that
 * lacks a part is none.
 */
#ifndef WARD_TESTS_BENCH_FACES_LFW_H
#define WARD_TESTS_BENCH_FACES_LFW_H

#include "services/identity/face/face.h"
#include "services/identity/rules.h"

#define LFW_IMAGES 16384
#define LFW_PAIRS  8192
#define LFW_FOLDS  16

struct pair {
    int fold, same, a, b;
    double score; /* cosine; -1 where a face was not found: it counts against us */
};

struct picture {
    char *name;
    bool found;
    enum gate gate; /* whom Enrol would see: one face, large enough; see lfw.every_gate */
    float v[FACE_DIM_MAX];
};

struct lfw {
    struct picture *pictures;
    struct pair *pairs;
    int n_pictures, n_pairs, n_folds;
    bool every_gate; /* the gates of quality too, as the service asks them before it compares */
    int dim;
    char model_sha256[65];
    double *took_ms; /* photograph to embedding, decoding included */
    int n_took;
    double models_s; /* of all that, in the models themselves */
};

_Noreturn void die(const char *what, const struct ward_err *err);
/* dir/pairs.tsv: fold, same, image_a, image_b. */
void lfw_read(struct lfw *l, const char *dir);
/* Every picture that dir/people.tsv (heading, then the image first) names, without pairs. */
void lfw_read_people(struct lfw *l, const char *dir);
/* Every picture, and the pairs' scores. */
void lfw_embed(struct lfw *l, const char *dir, const struct face_pack_config *cfg);
/* Whether two pictures are named after one person. */
bool lfw_same(const struct picture *a, const struct picture *b);
/* float32 rows of `dim` values to `path`, and one line a row (picture, found, usable: every
 * gate that was asked is passed) to path.tsv. */
void lfw_dump(const struct lfw *l, const char *path);
void lfw_free(struct lfw *l);

#endif
