/* gallery_load - fills identity's database with subjects as Enrol would leave them: a key of
 * their own, a template turned and sealed, consent to search. Faces are random, or near real
 * embeddings where there are some.
 *
 *   gallery_load SOCKET USER DATABASE ROOT_KEY MODEL_SHA256 DIM FROM TO [SEEDS]
 *
 * Subjects FROM..TO-1, several threads; nothing is told to running replicas. SEEDS: rows of DIM
 * float32. Prints one line of JSON.
 */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/scan/scan_testing.h"
#include "services/identity/keys/keys.h"
#include "services/identity/subject/subject.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK   500 /* subjects in one transaction */
#define THREADS 2
#define OFF     0.567f /* two templates of one person at a cosine of about 0.7 */

static struct ward_db_config db_cfg;
static struct keys *keys;
static const char *model;
static int dim;
static int64_t to;
static atomic_int_least64_t next;
static float *seeds;
static size_t n_seeds;

static void must(enum ward_code code, const struct ward_err *err)
{
    if (code == WARD_OK)
        return;
    fprintf(stderr, "gallery_load: %s [%s]\n", err->msg, err->detail);
    exit(1);
}

static void face_of(int64_t number, float *v)
{
    uint64_t seed = (uint64_t)number * 0x9e3779b97f4a7c15u + 1;

    test_vector(&seed, n_seeds == 0 ? NULL : seeds + test_random(&seed) % n_seeds * (size_t)dim,
                2 * OFF, v, dim);
}

struct made {
    struct ward_val *subject, *key, *template, *consent;
};

/* One subject's rows; everything they point to is in the arena. */
static void make(struct ward_arena *mem, int64_t number, struct made *m, struct ward_err *err)
{
    struct sealed_template *t = ward_new(mem, struct sealed_template);
    struct ward_wrapped_key *w = ward_new(mem, struct ward_wrapped_key);
    struct ward_val now = ward_int(mem, ward_wall_us());
    float v[TEMPLATE_DIM_MAX];
    uint8_t key[WARD_KEY_SIZE];
    struct ward_val id;

    ward_uuid7(w->owner);
    must(ward_keyring_new_key(keys_ring(keys), w, key, err), err);
    face_of(number, v);
    memcpy(t->subject_id, w->owner, KEYS_ID);
    ward_uuid7(t->template_id);
    snprintf(t->model_sha256, sizeof(t->model_sha256), "%s", model);
    t->kind = SUBJECT_PATIENT;
    t->dim = dim;
    must(template_seal(keys, key, v, t, err), err);
    id = ward_blob(w->owner, KEYS_ID);
    memcpy(m->subject, (struct ward_val[]){id, now}, 2 * sizeof(id));
    memcpy(m->key,
           (struct ward_val[]){id, ward_int(mem, w->kek), ward_blob(w->wrapped, WARD_WRAPPED)},
           3 * sizeof(id));
    memcpy(m->template,
           (struct ward_val[]){ward_blob(t->template_id, KEYS_ID), id, ward_text(model),
                               ward_int(mem, t->generation), ward_int(mem, dim),
                               ward_blob(t->bytes, t->n), now},
           7 * sizeof(id));
    memcpy(m->consent, (struct ward_val[]){id, ward_text(PURPOSE_SEARCH), now}, 3 * sizeof(id));
}

struct chunk {
    struct ward_arena mem;
    int64_t from;
};

static enum ward_code put(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct chunk *c = arg;
    size_t n = (size_t)(to - c->from < CHUNK ? to - c->from : CHUNK);
    struct ward_val *s = ward_alloc(&c->mem, n * 2 * sizeof(*s));
    struct ward_val *k = ward_alloc(&c->mem, n * 3 * sizeof(*k));
    struct ward_val *t = ward_alloc(&c->mem, n * 7 * sizeof(*t));
    struct ward_val *e = ward_alloc(&c->mem, n * 3 * sizeof(*e));

    for (size_t i = 0; i < n; i++) {
        struct made m = {s + i * 2, k + i * 3, t + i * 7, e + i * 3};

        make(&c->mem, c->from + (int64_t)i, &m, err);
    }
    WARD_TRY(ward_db_bulk(db,
                          "INSERT INTO subject (subject_id, kind, birth_year, enrolled_at_us)"
                          " VALUES (?, 1, 1980, ?)",
                          s, 2, n, err));
    WARD_TRY(ward_db_bulk(
        db, "INSERT INTO face_key (subject_id, kek, wrapped) VALUES (?, ?, ?)", k, 3, n, err));
    WARD_TRY(ward_db_bulk(db,
                          "INSERT INTO template (template_id, subject_id, model_sha256,"
                          " generation, dim, sealed, eye_distance_px, detection_score,"
                          " created_at_us) VALUES (?, ?, ?, ?, ?, ?, 60, 0.9, ?)",
                          t, 7, n, err));
    return ward_db_bulk(
        db,
        "INSERT INTO consent_entry (subject_id, purpose, text_version, given_by,"
        " recorded_by, given_at_us) VALUES (?, ?, 'bench', 'self', 'bench', ?)",
        e, 3, n, err);
}

static void *load(void *arg)
{
    struct ward_err err = {0};
    struct ward_db *db = NULL;
    struct chunk c;

    (void)arg;
    must(ward_db_open(&db_cfg, &db, &err), &err);
    ward_arena_init(&c.mem, (size_t)256 << 20);
    while ((c.from = atomic_fetch_add(&next, CHUNK)) < to) {
        must(ward_db_tx(db, put, &c, &err), &err);
        ward_arena_reset(&c.mem);
        if (c.from % 50000 == 0)
            fprintf(stderr, "  %lld of %lld\r", (long long)c.from, (long long)to);
    }
    ward_arena_done(&c.mem);
    ward_db_close(db);
    return NULL;
}

static void read_seeds(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t row = (size_t)dim * sizeof(float);

    if (f == NULL)
        return;
    seeds = calloc(100000, row);
    if (seeds != NULL)
        n_seeds = fread(seeds, row, 100000, f);
    fclose(f);
    for (size_t i = 0; i < n_seeds; i++) {
        if (test_dot(seeds + i * (size_t)dim, seeds + i * (size_t)dim, dim) <= 0)
            n_seeds = i; /* of a photograph without a face */
        else
            test_unit(seeds + i * (size_t)dim, dim);
    }
}

int main(int argc, char **argv)
{
    struct ward_err err = {0};
    struct keys_config cfg = {.root_old = "", .tenant = "ward"};
    pthread_t thread[THREADS];
    int64_t began = ward_mono_ns(), from;

    if (argc < 9) {
        fprintf(stderr,
                "usage: gallery_load SOCKET USER DATABASE ROOT_KEY MODEL_SHA256 DIM FROM"
                " TO [SEEDS]\n");
        return 2;
    }
    db_cfg = (struct ward_db_config){
        .socket = argv[1], .host = "", .user = argv[2], .password = "", .name = argv[3]};
    cfg.root = argv[4];
    model = argv[5];
    dim = (int)strtol(argv[6], NULL, 10);
    from = strtoll(argv[7], NULL, 10);
    to = strtoll(argv[8], NULL, 10);
    if (argc > 9)
        read_seeds(argv[9]);
    must(keys_open(&cfg, &db_cfg, &keys, &err), &err);
    atomic_store(&next, from);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, load, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    keys_close(keys);
    printf("{\"subjects\": %lld, \"took_s\": %.1f, \"seeds\": %zu}\n", (long long)(to - from),
           (double)(ward_mono_ns() - began) / 1e9, n_seeds);
    free(seeds);
    return 0;
}
