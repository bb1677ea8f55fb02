/* score_duplicates - records of patients, one FHIR JSON a line from stdin, compared as
 * FindDuplicates does: who shares a token is scored. Prints "i j match score" for every pair
 * (i < j, from 0) that is POSSIBLE or more, then "pairs N": how many were scored. */
#include "common/keyring/keyring_own.h"
#include "services/records/fhir/fhir.h"
#include "services/records/index/index.h"
#include "services/records/merge/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS_MOST 100000
#define NAMES_AGREE  2

struct key {
    uint8_t param, hash[TOKEN_HASH];
    uint32_t record;
};
struct pair {
    uint32_t a, b;
    uint32_t names; /* exact parts of a name that both have */
    bool strong;
};

static struct ward_arena all, scratch;
static Resource *record[RECORDS_MOST];
static uint32_t n_records;
static struct key *key;
static size_t n_keys, cap_keys;
static struct pair *pair;
static size_t n_pairs, cap_pairs;

static void stop(const char *what, const struct ward_err *err)
{
    fprintf(stderr, "score_duplicates: %s: %s\n", what, err == NULL ? "" : err->msg);
    _exit(1);
}

static void *more(void *at, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return at;
    *cap = *cap == 0 ? 4096 : 2 * *cap;
    at = realloc(at, *cap * size);
    if (at == NULL)
        stop("no memory", NULL);
    return at;
}

/* Tokens need a key; any will do. */
static struct ward_keyring *some_keys(void)
{
    char path[] = "/tmp/score-duplicates-XXXXXX";
    struct ward_keyring_config cfg = {
        .service = "records", .unreadable = "RECORD_UNREADABLE", .root = path, .root_old = ""};
    struct ward_err err = {0};
    struct ward_keyring *k = NULL;
    struct secret *hash;
    int fd = mkstemp(path);

    if (fd < 0 || dprintf(fd, "%064d", 7) != 64 || close(fd) != 0 ||
        ward_keyring_blank(&cfg, &k, &err) != WARD_OK)
        stop("no keys", &err);
    unlink(path);
    hash = ward_keyring_place(k, &k->now, "hash", 0, 1);
    hash->generation = 1;
    return k;
}

static bool blocks(enum param p)
{
    return p == PARAM_IDENTIFIER || p == PARAM_TELECOM || p == PARAM_BIRTH_AND_NAME ||
           p == PARAM_NAME_EXACT;
}

static void take(struct ward_keyring *keys, const char *line, size_t n)
{
    const struct ward_json *v;
    struct ward_err err = {0};
    struct found_by f = {0};

    if (n_records == RECORDS_MOST)
        stop("too many records", NULL);
    if (ward_json_parse(line, n, NULL, &all, &v, &err) != WARD_OK ||
        fhir_of_json(&all, v, NULL, NULL, &record[n_records], &err) != WARD_OK ||
        index_of(keys, &scratch, record[n_records], &f, &err) != WARD_OK)
        stop(line, &err);
    for (size_t i = 0; i < f.n_tokens; i++) {
        if (!blocks(f.token[i].param))
            continue;
        key = more(key, n_keys, &cap_keys, sizeof(*key));
        key[n_keys] = (struct key){.param = (uint8_t)f.token[i].param, .record = n_records};
        memcpy(key[n_keys++].hash, f.token[i].hash, TOKEN_HASH);
    }
    ward_arena_reset(&scratch);
    n_records++;
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, 1 + TOKEN_HASH);
}

static int by_records(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

static void pairs_of(const struct key *k, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            uint32_t a = k[i].record, b = k[j].record;
            bool names = k->param == PARAM_NAME_EXACT;

            pair = more(pair, n_pairs, &cap_pairs, sizeof(*pair));
            pair[n_pairs++] = (struct pair){a < b ? a : b, a < b ? b : a, names, !names};
        }
    }
}

static void score(const struct pair *p)
{
    Candidate c = WARD__RECORDS__V1__CANDIDATE__INIT;
    struct ward_err err = {0};

    if (score_pair(&scratch, record[p->a]->patient, record[p->b]->patient, &c, &err) != WARD_OK)
        stop("a pair", &err);
    if (c.match != WARD__RECORDS__V1__MATCH__MATCH_UNSPECIFIED)
        printf("%u %u %d %.3f\n", p->a, p->b, (int)c.match, c.score);
    ward_arena_reset(&scratch);
}

static size_t score_all(void)
{
    size_t scored = 0;

    qsort(pair, n_pairs, sizeof(*pair), by_records);
    for (size_t i = 0, end; i < n_pairs; i = end) {
        struct pair p = pair[i];

        for (end = i + 1; end < n_pairs && by_records(&pair[i], &pair[end]) == 0; end++) {
            p.names += pair[end].names;
            p.strong = p.strong || pair[end].strong;
        }
        if (p.a == p.b || (!p.strong && p.names < NAMES_AGREE))
            continue;
        score(&p);
        scored++;
    }
    return scored;
}

int main(void)
{
    struct ward_keyring *keys = some_keys();
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    ward_arena_init(&all, (size_t)8 << 30);
    ward_arena_init(&scratch, (size_t)64 << 20);
    while ((n = getline(&line, &cap, stdin)) > 0)
        take(keys, line, (size_t)n);
    qsort(key, n_keys, sizeof(*key), by_hash);
    for (size_t i = 0, end; i < n_keys; i = end) {
        for (end = i + 1; end < n_keys && by_hash(&key[i], &key[end]) == 0; end++)
            ;
        pairs_of(&key[i], end - i);
    }
    printf("pairs %zu\n", score_all());
    ward_keyring_close(keys);
    return 0;
}
