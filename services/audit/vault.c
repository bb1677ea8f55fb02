/* The key-encryption key and the keys that it wraps; see keys.h. */
#include "common/base/text.h"
#include "services/audit/keys.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SETS    16384 /* size of the cache of content keys: a power of two */
#define WAYS    4
#define ASKED   64 /* subjects in one SELECT statement */
#define WRAPPED (WARD_KEY_SIZE + WARD_SEAL_EXTRA)

struct slot {
    uint8_t subject[16];
    struct audit_content_key key; /* an id of 0 means empty */
};

struct audit_vault {
    uint8_t kek[WARD_KEY_SIZE], index[WARD_KEY_SIZE];
    pthread_mutex_t lock; /* guards the following members */
    uint64_t epoch;
    unsigned turn; /* the slot of the set that is replaced next */
    struct slot cache[SETS][WAYS];
};

enum ward_code vault_wrap(const struct audit_vault *v, const void *aad, size_t aad_len,
                          const uint8_t key[WARD_KEY_SIZE], uint8_t out[WRAPPED],
                          struct ward_err *err)
{
    return ward_seal(v->kek, aad, aad_len, key, WARD_KEY_SIZE, out, err);
}

enum ward_code vault_unwrap(const struct audit_vault *v, const void *aad, size_t aad_len,
                            const struct ward_val *wrapped, uint8_t out[WARD_KEY_SIZE],
                            struct ward_err *err)
{
    if (wrapped->p == NULL || wrapped->n != WRAPPED ||
        ward_unseal(v->kek, aad, aad_len, wrapped->p, wrapped->n, out, err) != WARD_OK)
        return WARD_FAIL(err, DATA_LOSS, "a stored key cannot be decrypted with this key file");
    return WARD_OK;
}

/* Reads the key for searchable hashes. The log has one such row: a second replica reads the row
 * that the first created. */
static enum ward_code open_index(struct audit_vault *v, struct ward_db *db,
                                 struct ward_err *err)
{
    static const char ADD[] = "INSERT IGNORE INTO secret (name, wrapped) VALUES ('index', ?)";
    static const char GET[] = "SELECT wrapped FROM secret WHERE name = 'index'";
    uint8_t key[WARD_KEY_SIZE], wrapped[WRAPPED];
    struct ward_arena mem;
    struct ward_rows rows;
    enum ward_code code;

    ward_arena_init(&mem, 16 << 10);
    ward_random(key, sizeof(key));
    code = vault_wrap(v, "index", 5, key, wrapped, err);
    ward_wipe(key, sizeof(key));
    if (code == WARD_OK)
        code = ward_db_run(db, &mem, ADD, WARD_PARAMS(ward_blob(wrapped, WRAPPED)), NULL, err);
    if (code == WARD_OK)
        code = ward_db_run(db, &mem, GET, WARD_NO_PARAMS, &rows, err);
    if (code == WARD_OK && rows.n != 1)
        code = WARD_FAIL(err, DATA_LOSS, "the index key is missing");
    if (code == WARD_OK)
        code = vault_unwrap(v, "index", 5, &rows.at[0][0], v->index, err);
    ward_arena_done(&mem);
    return code;
}

enum ward_code vault_open(struct ward_db *db, const char *kek_file, struct ward_arena *keep,
                          struct audit_vault **out, struct ward_err *err)
{
    struct audit_vault *v = ward_new(keep, struct audit_vault);

    if (v == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    WARD_TRY(ward_key_load(kek_file, v->kek, err));
    WARD_TRY(open_index(v, db, err));
    pthread_mutex_init(&v->lock, NULL);
    *out = v;
    return WARD_OK;
}

void vault_close(struct audit_vault *v)
{
    if (v == NULL)
        return;
    pthread_mutex_destroy(&v->lock);
    ward_wipe(v, sizeof(*v));
}

void vault_search(const struct audit_vault *v, const char *kind, const char *text,
                  uint8_t out[AUDIT_SEARCH])
{
    char joined[256];
    uint8_t mac[WARD_SHA256_SIZE];
    int n = snprintf(joined, sizeof(joined), "%s%c%s", kind, 0, text);

    WARD_ASSERT(n > 0 && n < (int)sizeof(joined));
    ward_hmac_sha256(v->index, WARD_KEY_SIZE, joined, (size_t)n, mac);
    memcpy(out, mac, AUDIT_SEARCH);
}

void vault_tag(const struct audit_vault *v, const void *p, size_t n, uint8_t out[AUDIT_SEARCH])
{
    static const char PURPOSE[] = "tag";
    uint8_t key[WARD_SHA256_SIZE], mac[WARD_SHA256_SIZE];

    ward_hmac_sha256(v->index, WARD_KEY_SIZE, PURPOSE, sizeof(PURPOSE), key);
    ward_hmac_sha256(key, sizeof(key), p, n, mac);
    memcpy(out, mac, AUDIT_SEARCH);
}

uint64_t vault_epoch(struct audit_vault *v)
{
    uint64_t epoch;

    pthread_mutex_lock(&v->lock);
    epoch = v->epoch;
    pthread_mutex_unlock(&v->lock);
    return epoch;
}

void vault_epoch_is(struct audit_vault *v, uint64_t epoch)
{
    pthread_mutex_lock(&v->lock);
    if (epoch > v->epoch) { /* the epoch only grows; a slow reader may have read an older one */
        ward_wipe(v->cache, sizeof(v->cache));
        v->epoch = epoch;
    }
    pthread_mutex_unlock(&v->lock);
}

/* The cache set of a subject. A subject is a keyed hash, so any of its bits are spread
 * evenly. */
static struct slot *set_of(struct audit_vault *v, const uint8_t subject[16])
{
    return v->cache[((unsigned)subject[0] | (unsigned)subject[1] << 8) & (SETS - 1)];
}

static bool cached(struct audit_vault *v, const uint8_t subject[16],
                   struct audit_content_key *out)
{
    struct slot *set = set_of(v, subject);

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key.id == 0 || memcmp(set[i].subject, subject, 16) != 0)
            continue;
        *out = set[i].key;
        return true;
    }
    return false;
}

/* Caches a key, unless an erasure has advanced the epoch since the key was read. */
static void remember(struct audit_vault *v, const uint8_t subject[16],
                     const struct audit_content_key *key, uint64_t epoch)
{
    struct slot *set = set_of(v, subject);
    int way = 0;

    pthread_mutex_lock(&v->lock);
    while (way < WAYS && set[way].key.id != 0 && memcmp(set[way].subject, subject, 16) != 0)
        way++;
    if (way == WAYS)
        way = (int)(v->turn++ % WAYS);
    if (v->epoch == epoch) {
        memcpy(set[way].subject, subject, 16);
        set[way].key = *key;
    }
    pthread_mutex_unlock(&v->lock);
}

/* A call to vault_keys. Results are missing where out[i].id is 0. */
struct wanted {
    struct audit_vault *v;
    struct ward_db *db;
    struct ward_arena *mem;
    const uint8_t (*subjects)[16];
    size_t n;
    struct audit_content_key *out;
    uint64_t epoch;
};

/* Chooses up to ASKED places with different subjects. Pairwise comparison is fast enough,
 * compared with a query. */
static size_t choose(const struct wanted *w, size_t *from, size_t places[ASKED])
{
    size_t n = 0;

    for (; *from < w->n && n < ASKED; (*from)++) {
        size_t k = 0;

        if (w->out[*from].id != 0)
            continue;
        while (k < n && memcmp(w->subjects[places[k]], w->subjects[*from], 16) != 0)
            k++;
        if (k == n)
            places[n++] = *from;
    }
    return n;
}

static enum ward_code take_row(struct wanted *w, const struct ward_val *row,
                               struct ward_err *err)
{
    struct audit_content_key key;
    int64_t id;

    if (!ward_i64(row[0].p, 1, INT64_MAX, &id) || row[1].n != 16)
        return WARD_FAIL(err, DATA_LOSS, "the row of a content key is invalid");
    key.id = (uint64_t)id;
    WARD_TRY(vault_unwrap(w->v, row[1].p, 16, &row[2], key.key, err));
    for (size_t i = 0; i < w->n; i++)
        if (w->out[i].id == 0 && memcmp(w->subjects[i], row[1].p, 16) == 0)
            w->out[i] = key;
    remember(w->v, (const uint8_t *)row[1].p, &key, w->epoch);
    ward_wipe(&key, sizeof(key));
    return WARD_OK;
}

#define Q8  "?,?,?,?,?,?,?,?,"
#define Q63 Q8 Q8 Q8 Q8 Q8 Q8 Q8 "?,?,?,?,?,?,?,"

static enum ward_code look_up(struct wanted *w, struct ward_err *err)
{
    static const char SQL[] = "SELECT id, subject, wrapped FROM content_key"
                              " WHERE subject IN (" Q63 "?)";
    size_t places[ASKED], from = 0, n;

    while ((n = choose(w, &from, places)) > 0) {
        struct ward_val ask[ASKED];
        struct ward_rows rows;

        for (size_t i = 0; i < ASKED; i++) /* unused places repeat the last subject */
            ask[i] = ward_blob(w->subjects[places[i < n ? i : n - 1]], 16);
        WARD_TRY(ward_db_run(w->db, w->mem, SQL, ask, ASKED, &rows, err));
        for (size_t i = 0; i < rows.n; i++)
            WARD_TRY(take_row(w, rows.at[i], err));
    }
    return WARD_OK;
}

static enum ward_code create(struct wanted *w, struct ward_err *err)
{
    static const char SQL[] = "INSERT IGNORE INTO content_key (subject, wrapped) VALUES (?, ?)";
    size_t places[ASKED], from = 0, n, made = 0;
    struct ward_val *values = ward_alloc(w->mem, w->n * 2 * sizeof(*values));
    uint8_t(*wrapped)[WRAPPED] = ward_alloc(w->mem, w->n * WRAPPED);
    uint8_t key[WARD_KEY_SIZE];

    if (values == NULL || wrapped == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for content keys");
    while ((n = choose(w, &from, places)) > 0) {
        for (size_t i = 0; i < n; i++, made++) {
            const uint8_t *subject = w->subjects[places[i]];

            ward_random(key, sizeof(key));
            WARD_TRY(vault_wrap(w->v, subject, 16, key, wrapped[made], err));
            values[2 * made] = ward_blob(subject, 16);
            values[2 * made + 1] = ward_blob(wrapped[made], WRAPPED);
        }
    }
    ward_wipe(key, sizeof(key));
    return ward_db_bulk(w->db, SQL, values, 2, made, err);
}

static size_t missing(const struct wanted *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++)
        n += w->out[i].id == 0;
    return n;
}

enum ward_code vault_keys(struct audit_vault *v, struct ward_db *db, struct ward_arena *mem,
                          const uint8_t (*subjects)[16], size_t n,
                          struct audit_content_key *out, struct ward_err *err)
{
    struct wanted w = {v, db, mem, subjects, n, out, 0};

    memset(out, 0, n * sizeof(*out));
    pthread_mutex_lock(&v->lock);
    w.epoch = v->epoch;
    for (size_t i = 0; i < n; i++)
        (void)cached(v, subjects[i], &out[i]);
    pthread_mutex_unlock(&v->lock);
    if (missing(&w) == 0)
        return WARD_OK;
    WARD_TRY(look_up(&w, err));
    if (missing(&w) == 0)
        return WARD_OK;
    WARD_TRY(create(&w, err));
    WARD_TRY(look_up(&w, err));
    if (missing(&w) > 0) /* erased since its creation; the appender would reject such a key */
        return WARD_FAIL(err, ABORTED, "a content key was erased during its creation");
    return WARD_OK;
}
