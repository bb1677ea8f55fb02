/* The dictionary of codes. A process caches the existing codes for TRUST_NS, so that a write
 * rarely queries the dictionary. */
#include "common/base/clock.h"
#include "services/records/exchange/deid.h"
#include "services/records/store/chart_own.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS    65536
#define TRUST_NS (600000 * WARD_NS_PER_MS) /* lifetime of a cached code */
#define CODE_MAX 20
#define CODE_ROW 3  /* columns of an inserted row */
#define AT_ONCE  30 /* codes of a query */
#define Q10      "?,?,?,?,?,?,?,?,?,?"

static struct {
    pthread_mutex_t lock;
    struct {
        uint8_t hash[TOKEN_HASH];
        int64_t until_ns;
    } slot[SLOTS];
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for codes");
}

static size_t slot_of(const uint8_t hash[TOKEN_HASH])
{
    uint16_t n;

    memcpy(&n, hash, sizeof(n));
    return n;
}

static bool is_known(const uint8_t hash[TOKEN_HASH], int64_t now_ns)
{
    size_t i = slot_of(hash);
    bool is;

    pthread_mutex_lock(&known.lock);
    is = known.slot[i].until_ns > now_ns && memcmp(known.slot[i].hash, hash, TOKEN_HASH) == 0;
    pthread_mutex_unlock(&known.lock);
    return is;
}

static void remember(const uint8_t hash[TOKEN_HASH], int64_t now_ns)
{
    size_t i = slot_of(hash);

    pthread_mutex_lock(&known.lock);
    memcpy(known.slot[i].hash, hash, TOKEN_HASH);
    known.slot[i].until_ns = now_ns + TRUST_NS;
    pthread_mutex_unlock(&known.lock);
}

/* Rows of the dictionary are unencrypted and outlive an erasure, so free text must be excluded.
 * HL7's own systems are omitted, because any word may be a code there. */
static bool is_kept(const struct named_code *c)
{
    static const char WORDS[] = "http://terminology.hl7.org/",
                      OF_FHIR[] = "http://hl7.org/fhir/", SID[] = "http://hl7.org/fhir/sid/";

    if (strlen(c->code) > CODE_MAX || strncmp(c->system, WORDS, strlen(WORDS)) == 0 ||
        (strncmp(c->system, OF_FHIR, strlen(OF_FHIR)) == 0 &&
         strncmp(c->system, SID, strlen(SID)) != 0))
        return false;
    return deid_is_code(c->system, c->code);
}

static size_t unknown_of(const struct item *it, int64_t now_ns, const struct named_code **out)
{
    size_t n = 0;

    for (size_t i = 0; i < it->f.n_codes; i++)
        if (is_kept(&it->f.code[i]) && !is_known(it->f.code[i].hash, now_ns))
            out[n++] = &it->f.code[i];
    return n;
}

static int by_hash(const void *a, const void *b)
{
    const struct named_code *const *x = a, *const *y = b;

    return memcmp((*x)->hash, (*y)->hash, TOKEN_HASH);
}

/* Sorts the codes and removes duplicates. All transactions insert in this order, so that they
 * do not deadlock. Returns the number of codes that remain. */
static size_t once(const struct named_code **list, size_t n)
{
    size_t kept = 0;

    qsort(list, n, sizeof(struct named_code *), by_hash);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_hash(&list[kept - 1], &list[i]) != 0)
            list[kept++] = list[i];
    return kept;
}

/* Caches those of at most AT_ONCE codes that the dictionary has. */
static enum ward_code look(struct worker *w, struct ward_arena *mem,
                           const struct named_code *const *list, size_t n, int64_t now_ns,
                           struct ward_err *err)
{
    static const char SQL[] = "SELECT hash FROM coding WHERE hash IN (" Q10 "," Q10 "," Q10 ")";
    struct ward_val at[AT_ONCE];
    struct ward_rows rows;

    for (size_t i = 0; i < AT_ONCE; i++)
        at[i] = ward_blob(list[i < n ? i : 0]->hash, TOKEN_HASH);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, at, AT_ONCE, &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        if (rows.at[i][0].n == TOKEN_HASH)
            remember((const uint8_t *)rows.at[i][0].p, now_ns);
    return WARD_OK;
}

/* Adds the codes that are not cached. They are not cached now, because the transaction may roll
 * back. */
static enum ward_code add(struct worker *w, struct ward_arena *mem,
                          const struct named_code *const *list, size_t n, int64_t now_ns,
                          struct ward_err *err)
{
    static const char SQL[] = "INSERT IGNORE INTO coding (hash, system, code) VALUES (?, ?, ?)";
    struct ward_val *row = ward_alloc(mem, n * CODE_ROW * sizeof(*row));
    size_t at = 0;

    if (row == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (is_known(list[i]->hash, now_ns))
            continue;
        row[at++] = ward_blob(list[i]->hash, TOKEN_HASH);
        row[at++] = ward_text(list[i]->system);
        row[at++] = ward_text(list[i]->code);
    }
    return ward_db_bulk(w->event_ctx.db, SQL, row, CODE_ROW, at / CODE_ROW, err);
}

/* A code from an earlier write of the same transaction counts as existing and is cached. After
 * a rollback, the code is missing until it occurs again after TRUST_NS. */
enum ward_code codes_put(struct worker *w, struct ward_arena *mem, const struct item *items,
                         size_t n, struct ward_err *err)
{
    int64_t now_ns = ward_mono_ns();
    const struct named_code **list;
    size_t most = 0, count = 0;

    for (size_t i = 0; i < n; i++)
        most += items[i].f.n_codes;
    list = ward_alloc(mem, most * sizeof(*list));
    if (list == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        count += unknown_of(&items[i], now_ns, list + count);
    count = once(list, count);
    for (size_t i = 0; i < count; i += AT_ONCE)
        WARD_TRY(look(w, mem, list + i, count - i, now_ns, err));
    return add(w, mem, list, count, now_ns, err);
}
