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

static struct {
    pthread_mutex_t lock;
    struct {
        uint8_t hash[TOKEN_HASH];
        int64_t until_ns;
    } slot[SLOTS];
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

/* Adds one code per statement: the number of inserted rows then shows whether the code existed
 * before and may be cached. A code that is added now is not cached, because the transaction may
 * roll back. A code from an earlier write of the same transaction counts as existing and is
 * cached. After a rollback, the code is missing until it occurs again after TRUST_NS. */
static enum ward_code add(struct worker *w, const struct named_code *code, bool *was_there,
                          struct ward_err *err)
{
    static const char SQL[] = "INSERT IGNORE INTO coding (hash, system, code) VALUES (?, ?, ?)";
    struct ward_rows out;

    WARD_TRY(ward_db_run(w->event_ctx.db, NULL, SQL,
                         WARD_PARAMS(ward_blob(code->hash, TOKEN_HASH), ward_text(code->system),
                                     ward_text(code->code)),
                         &out, err));
    *was_there = out.affected == 0;
    return WARD_OK;
}

static int by_hash(const void *a, const void *b)
{
    const struct named_code *const *x = a, *const *y = b;

    return memcmp((*x)->hash, (*y)->hash, TOKEN_HASH);
}

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
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for codes");
    for (size_t i = 0; i < n; i++)
        count += unknown_of(&items[i], now_ns, list + count);
    /* all transactions insert in this order, so that they do not deadlock */
    qsort(list, count, sizeof(struct named_code *), by_hash);
    for (size_t i = 0; i < count; i++) {
        bool was_there = false, again = i > 0 && by_hash(&list[i - 1], &list[i]) == 0;

        if (!again)
            WARD_TRY(add(w, list[i], &was_there, err));
        if (was_there)
            remember(list[i]->hash, now_ns);
    }
    return WARD_OK;
}
