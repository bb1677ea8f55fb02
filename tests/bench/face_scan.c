/* face_scan - 1:N by common/scan beside FAISS's exact index, one thread, query by query in
 * turn.
 *
 *   face_scan [--seeds FILE] [--rows N] [--queries N] [--threads N] RESULT.json
 *
 * Identities have four templates each, two of one identity at a cosine of about 0.7. Without
 * FILE they lie anywhere; with it (rows of 512 float32, as embedded from photographs) each lies
 * near one of those. Queries are further templates of identities in the gallery, and every
 * third one of somebody who is not. The vectors that candidates are ranked by are FAISS's own
 * copy, so memory is 2 KiB a row for FAISS and what ward_scan_bytes says for us. Truth is a
 * scan in double precision. A ratio is the median of ratios, each of two searches one after the
 * other.
 *
 * Prints a line of JSON for each measurement and writes what they come to into RESULT.json.
 */
#include "common/base/clock.h"
#include "common/scan/scan.h"
#include "common/scan/scan_testing.h"
#include "tests/bench/face_scan_truth.h"
#include "tests/bench/faiss_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIM     512
#define PER_ID  4
#define OFF     0.567f /* 1 / (1 + 4/3 OFF^2) = 0.7; 4/3 is what test_normal varies by */
#define K       2
#define BATCH   32
#define MEASURE 12 /* searches of what is not compared with FAISS */
#define CHUNK   1000

struct bench {
    size_t rows, n_queries, n_seeds;
    int threads;
    float *seeds, *queries;
    struct faiss_peer *faiss;
    struct scan_set *set;
    struct ward_arena mem;
    FILE *out;
    size_t looked; /* by the last search */
};

static void must(enum ward_code code, const struct ward_err *err)
{
    if (code == WARD_OK)
        return;
    fprintf(stderr, "face_scan: %s\n", err->msg);
    exit(1);
}

static void *get(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (p == NULL) {
        fprintf(stderr, "face_scan: no memory\n");
        exit(1);
    }
    return p;
}

/* ---- the gallery ---- */

/* The middle of an identity: anywhere, or a real face and a random mixture of eight others. */
static void identity(const struct bench *b, uint64_t number, float *x)
{
    uint64_t seed = number * 0x9e3779b97f4a7c15u + 1;
    float mix[DIM] = {0};
    const float *face;

    if (b->n_seeds == 0) {
        test_vector(&seed, NULL, 0, x, DIM);
        return;
    }
    for (int i = 0; i < 8; i++) {
        const float *other = b->seeds + test_random(&seed) % b->n_seeds * DIM;
        float weight = test_normal(&seed);

        for (int d = 0; d < DIM; d++)
            mix[d] += weight * other[d];
    }
    test_unit(mix, DIM);
    face = b->seeds + number % b->n_seeds * DIM;
    for (int d = 0; d < DIM; d++)
        x[d] = face[d] + mix[d];
    test_unit(x, DIM);
}

static void template_of(const struct bench *b, uint64_t person, uint64_t which, float *x)
{
    uint64_t seed = (person * 64 + which) * 0xbf58476d1ce4e5b9u + 7;
    float middle[DIM];

    identity(b, person, middle);
    test_vector(&seed, middle, OFF, x, DIM);
}

static enum ward_code exact(void *arg, uint32_t row, float *out, struct ward_err *err)
{
    const struct bench *b = arg;

    (void)err;
    memcpy(out, faiss_peer_rows(b->faiss) + (size_t)row * DIM, DIM * sizeof(float));
    return WARD_OK;
}

static void add_up_to(struct bench *b, size_t rows)
{
    float *x = get(CHUNK * DIM, sizeof(float));

    for (size_t at = ward_scan_live(b->set); at < rows; at += CHUNK) {
        size_t n = rows - at < CHUNK ? rows - at : CHUNK;

        for (size_t i = 0; i < n; i++) {
            struct ward_err err = {0};
            struct scan_code code;
            int8_t codes[DIM];
            uint32_t row;

            template_of(b, (at + i) / PER_ID, (at + i) % PER_ID, x + i * DIM);
            must(ward_scan_quantise(x + i * DIM, DIM, codes, &code, &err), &err);
            must(ward_scan_add(b->set, codes, &code, &row, &err), &err);
        }
        faiss_peer_add(b->faiss, n, x);
    }
    free(x);
}

static void make_queries(struct bench *b, size_t rows)
{
    uint64_t seed = rows;

    for (size_t i = 0; i < b->n_queries; i++) {
        uint64_t person = test_random(&seed) % (rows / PER_ID);

        template_of(b, i % 3 == 2 ? person + b->rows : person, PER_ID + i % 7,
                    b->queries + i * DIM);
    }
}

/* ---- what is measured ---- */

static double ours(struct bench *b, struct scan_set *set, size_t query, struct scan_hit *hits)
{
    struct ward_err err = {0};
    int n = 0;
    int64_t began = ward_mono_ns();
    double ms;

    must(
        ward_scan_search(
            set,
            &(struct ward_scan_search){
                .query = b->queries + query * DIM, .k = K, .min = -1, .exact = exact, .arg = b},
            &b->mem, hits, &n, &b->looked, &err),
        &err);
    ms = (double)(ward_mono_ns() - began) / 1e6;
    ward_arena_reset(&b->mem);
    return ms;
}

static double theirs(struct bench *b, size_t query, int64_t *rows)
{
    float scores[K];
    int64_t began = ward_mono_ns();

    faiss_peer_search(b->faiss, 1, b->queries + query * DIM, K, scores, rows);
    return (double)(ward_mono_ns() - began) / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

struct size_result {
    double ours_ms, theirs_ms, ratio, looked;
};

/* The two in turn, on each query; which is first alternates. */
static struct size_result compare(struct bench *b, size_t *row, int64_t *their_row)
{
    size_t n = b->n_queries;
    double *o = get(n, sizeof(*o)), *t = get(n, sizeof(*t)), *r = get(n, sizeof(*r));
    struct size_result res = {0};

    for (size_t i = 0; i < n; i++) {
        struct scan_hit hits[K];
        int64_t rows[K];

        if (i % 2 == 0)
            t[i] = theirs(b, i, rows);
        o[i] = ours(b, b->set, i, hits);
        if (i % 2 == 1)
            t[i] = theirs(b, i, rows);
        r[i] = t[i] / o[i];
        row[i] = hits[0].row;
        their_row[i] = rows[0];
        res.looked += (double)b->looked / (double)n;
    }
    res.ours_ms = median(o, n);
    res.theirs_ms = median(t, n);
    res.ratio = median(r, n);
    free(o);
    free(t);
    free(r);
    return res;
}

/* Beside the fastest that float32 can be, in turn: how many times its speed. */
static double beside_float(struct bench *b, double *float_ms)
{
    double f[MEASURE], r[MEASURE];
    volatile size_t found; /* so that the scan is not optimised away */

    for (size_t i = 0; i < MEASURE; i++) {
        struct scan_hit hits[K];
        int64_t began = ward_mono_ns();

        found = float_best(faiss_peer_rows(b->faiss), b->rows,
                           b->queries + i % b->n_queries * DIM, DIM);
        f[i] = (double)(ward_mono_ns() - began) / 1e6;
        r[i] = f[i] / ours(b, b->set, i % b->n_queries, hits);
    }
    (void)found;
    *float_ms = median(f, MEASURE);
    return median(r, MEASURE);
}

/* The set again, by another kernel or with a pool: median ms of a search. */
static double again(struct bench *b, const char *kernel, struct scan_pool *pool)
{
    double ms[MEASURE];
    struct scan_hit hits[K];
    struct ward_err err = {0};
    struct scan_set *set;

    if (!ward_scan_use_kernel(kernel))
        exit(1);
    must(ward_scan_set_open(DIM, pool, &set, &err), &err);
    for (uint32_t i = 0; i < b->rows; i++) {
        struct scan_code code;
        int8_t codes[DIM];
        uint32_t row;

        if (ward_scan_get(b->set, i, codes, &code))
            must(ward_scan_add(set, codes, &code, &row, &err), &err);
    }
    for (size_t i = 0; i < MEASURE; i++)
        ms[i] = ours(b, set, i % b->n_queries, hits);
    ward_scan_set_close(set);
    ward_scan_use_kernel(NULL);
    return median(ms, MEASURE);
}

/* The share of queries whose first hit scores what the best of all rows scores. */
static void recall(const struct bench *b, const size_t *row, const int64_t *their_row,
                   double *ours_is, double *theirs_is)
{
    const float *rows = faiss_peer_rows(b->faiss);
    double *best = get(b->n_queries, sizeof(*best));

    truth_best(rows, b->rows, b->queries, b->n_queries, DIM, best);
    *ours_is = *theirs_is = 0;
    for (size_t i = 0; i < b->n_queries; i++) {
        const float *q = b->queries + i * DIM;

        *ours_is += truth_score(rows + row[i] * DIM, q, DIM) >= best[i];
        *theirs_is += truth_score(rows + (size_t)their_row[i] * DIM, q, DIM) >= best[i];
    }
    *ours_is /= (double)b->n_queries;
    *theirs_is /= (double)b->n_queries;
    free(best);
}

/* ---- the run ---- */

static double load_now(void)
{
    double load = -1;

    return getloadavg(&load, 1) == 1 ? load : -1;
}

/* The BLAS that FAISS was given, which matters to batches alone: the file's name. */
static const char *blas(void)
{
    static char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    const char *name = "?";

    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        char *file = strrchr(line, '/');

        if (file == NULL || strstr(file, "blas") == NULL)
            continue;
        file[strcspn(file, "\n")] = '\0';
        name = file + 1;
        break;
    }
    if (maps != NULL)
        fclose(maps);
    return name;
}

/* "10k", "1m" */
static const char *short_of(size_t rows)
{
    static char text[32];

    if (rows % 1000000 == 0)
        snprintf(text, sizeof(text), "%zum", rows / 1000000);
    else
        snprintf(text, sizeof(text), "%zuk", rows / 1000);
    return text;
}

static struct size_result at_size(struct bench *b, size_t rows, size_t *row, int64_t *their_row)
{
    struct size_result r;

    add_up_to(b, rows);
    make_queries(b, rows);
    r = compare(b, row, their_row);
    printf("{\"rows\": %zu, \"scan_ms\": %.4f, \"faiss_ms\": %.4f, \"ratio\": %.3f, "
           "\"looked\": %.1f, \"load\": %.2f}\n",
           rows, r.ours_ms, r.theirs_ms, r.ratio, r.looked, load_now());
    fflush(stdout);
    fprintf(b->out, "  \"scan_ms_%s\": %.4f,\n", short_of(rows), r.ours_ms);
    fprintf(b->out, "  \"faiss_ms_%s\": %.4f,\n", short_of(rows), r.theirs_ms);
    fprintf(b->out, "  \"scan_looked_%s\": %.1f,\n", short_of(rows), r.looked);
    return r;
}

static void kernels(struct bench *b)
{
    const char *names[8];
    int n = ward_scan_kernels(names, 8);
    struct scan_pool *pool;
    struct ward_err err = {0};
    double ms, ratio = beside_float(b, &ms);

    printf("{\"rows\": %zu, \"float32_ms\": %.3f, \"ratio\": %.3f}\n", b->rows, ms, ratio);
    fprintf(b->out, "  \"float32_ms\": %.4f,\n  \"scan_speed_vs_float32\": %.3f,\n", ms, ratio);

    for (int i = 0; i < n; i++) {
        ms = again(b, names[i], NULL);
        printf("{\"rows\": %zu, \"kernel\": \"%s\", \"scan_ms\": %.3f}\n", b->rows, names[i],
               ms);
        fflush(stdout);
        fprintf(b->out, "  \"scan_ms_%s\": %.4f,\n", names[i], ms);
    }
    must(ward_scan_pool_open(b->threads, &pool, &err), &err);
    ms = again(b, NULL, pool);
    ward_scan_pool_close(pool);
    printf("{\"rows\": %zu, \"threads\": %d, \"scan_ms\": %.3f}\n", b->rows, b->threads, ms);
    fprintf(b->out, "  \"scan_threads\": %d,\n  \"scan_ms_threads\": %.4f,\n", b->threads, ms);
}

/* What FAISS gains from several queries at once, which a service that answers each as it comes
 * does not have. */
static void batch(struct bench *b)
{
    float *scores = get((size_t)BATCH * K, sizeof(*scores));
    int64_t *rows = get((size_t)BATCH * K, sizeof(*rows));
    size_t n = b->n_queries < BATCH ? b->n_queries : BATCH;
    int64_t began = ward_mono_ns();
    double ms;

    faiss_peer_search(b->faiss, n, b->queries, K, scores, rows);
    ms = (double)(ward_mono_ns() - began) / 1e6 / (double)n;
    printf("{\"rows\": %zu, \"faiss_batch\": %zu, \"faiss_ms_a_query\": %.3f}\n", b->rows, n,
           ms);
    fprintf(b->out, "  \"faiss_batch\": %zu,\n  \"faiss_batch_ms_a_query\": %.4f,\n", n, ms);
    fprintf(b->out, "  \"faiss_blas\": \"%s\",\n", blas());
    free(scores);
    free(rows);
}

static void run(struct bench *b)
{
    static const size_t SIZES[] = {10000, 100000, 200000, 1000000};
    size_t *row = get(b->n_queries, sizeof(*row));
    int64_t *their_row = get(b->n_queries, sizeof(*their_row));
    struct size_result r = {0};
    double ours_is, theirs_is;
    const char *kernel;

    for (size_t i = 0; i < WARD_COUNT(SIZES) && SIZES[i] < b->rows; i++)
        at_size(b, SIZES[i], row, their_row);
    r = at_size(b, b->rows, row, their_row);
    recall(b, row, their_row, &ours_is, &theirs_is);
    printf("{\"rows\": %zu, \"queries\": %zu, \"scan_recall_at_1\": %.4f, "
           "\"faiss_recall_at_1\": %.4f}\n",
           b->rows, b->n_queries, ours_is, theirs_is);
    fflush(stdout);
    batch(b);
    kernels(b);
    ward_scan_kernels(&kernel, 1);
    fprintf(b->out, "  \"scan_kernel\": \"%s\",\n  \"faiss\": \"%s\",\n", kernel,
            faiss_peer_version());
    fprintf(b->out, "  \"rows\": %zu,\n  \"queries\": %zu,\n  \"seeds\": %zu,\n", b->rows,
            b->n_queries, b->n_seeds);
    fprintf(b->out, "  \"scan_bytes_per_face\": %.2f,\n",
            (double)ward_scan_bytes(b->set) / (double)b->rows);
    fprintf(b->out, "  \"faiss_recall_at_1\": %.4f,\n  \"scan_recall_at_1\": %.4f,\n",
            theirs_is, ours_is);
    fprintf(b->out, "  \"scan_speed_vs_faiss\": %.3f\n", r.ratio);
    free(row);
    free(their_row);
}

static void read_seeds(struct bench *b, const char *path)
{
    FILE *f = fopen(path, "rb");
    long size;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < DIM * 4) {
        fprintf(stderr, "face_scan: no seeds in %s\n", path);
        exit(1);
    }
    rewind(f);
    b->n_seeds = (size_t)size / (DIM * sizeof(float));
    b->seeds = get(b->n_seeds * DIM, sizeof(float));
    b->n_seeds = fread(b->seeds, DIM * sizeof(float), b->n_seeds, f);
    fclose(f);
    for (size_t i = 0; i < b->n_seeds; i++)
        test_unit(b->seeds + i * DIM, DIM);
}

static const char *arguments(struct bench *b, int argc, char **argv)
{
    int i = 1;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0)
            read_seeds(b, argv[i + 1]);
        else if (strcmp(argv[i], "--rows") == 0)
            b->rows = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--queries") == 0)
            b->n_queries = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--threads") == 0)
            b->threads = (int)strtol(argv[i + 1], NULL, 10);
        else
            break;
    }
    if (i != argc - 1 || b->rows < 1000 || b->n_queries < 3) {
        fprintf(stderr, "usage: face_scan [--seeds FILE] [--rows N] [--queries N] "
                        "[--threads N] RESULT.json\n");
        exit(2);
    }
    return argv[i];
}

int main(int argc, char **argv)
{
    struct bench b = {.rows = 1000000, .n_queries = 200, .threads = 2};
    const char *path = arguments(&b, argc, argv);
    struct ward_err err = {0};

    b.out = fopen(path, "w");
    if (b.out == NULL) {
        fprintf(stderr, "face_scan: cannot write %s\n", path);
        return 1;
    }
    b.queries = get(b.n_queries * DIM, sizeof(float));
    b.faiss = faiss_peer_open(DIM, b.rows);
    ward_arena_init(&b.mem, (size_t)4 << 20);
    must(ward_scan_set_open(DIM, NULL, &b.set, &err), &err);
    fprintf(b.out, "{\n");
    run(&b);
    fprintf(b.out, "}\n");
    fclose(b.out);
    ward_scan_set_close(b.set);
    faiss_peer_close(b.faiss);
    ward_arena_done(&b.mem);
    free(b.queries);
    free(b.seeds);
    return 0;
}
