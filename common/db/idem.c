/* Idempotency keys; see outbox.h. */
#include "common/base/crypto.h"
#include "common/db/db_internal.h"
#include "common/db/outbox.h"

#include <string.h>

#define KEY_MAX        128
#define EXPIRE_ROWS    1000
#define EXPIRE_BATCHES 200

static void hash(const struct ward_idem *i, uint8_t out[WARD_SHA256_SIZE])
{
    /* each text is hashed with its NUL, so that "a"+"bc" and "ab"+"c" differ */
    const struct ward_bytes parts[] = {{i->caller, strlen(i->caller) + 1},
                                       {i->method, strlen(i->method) + 1},
                                       {i->key, strlen(i->key) + 1}};

    ward_sha256_parts(parts, 3, out);
}

/* Inserts the row, or finds and locks it. A concurrent call with the same key waits here until
 * this transaction ends. The waiting call then finds the answer, or inserts its own row. */
static enum ward_code claim(struct ward_db *db, const struct ward_idem *i,
                            const uint8_t k[WARD_SHA256_SIZE], bool *fresh,
                            struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO ward_idempotency (k, request) VALUES (?, ?)"
                              " ON DUPLICATE KEY UPDATE k = VALUES(k)";
    struct ward_rows out;

    WARD_TRY(ward_db_run(db, NULL, SQL,
                         WARD_PARAMS(ward_blob(k, WARD_SHA256_SIZE),
                                     ward_blob(i->request_sha256, WARD_SHA256_SIZE)),
                         &out, err));
    *fresh = out.affected == 1;
    return WARD_OK;
}

enum ward_code ward_idem_find(struct ward_db *db, struct ward_arena *mem,
                              const struct ward_idem *i, struct ward_val *answer,
                              struct ward_err *err)
{
    static const char SQL[] = "SELECT request, answer FROM ward_idempotency WHERE k = ?";
    uint8_t k[WARD_SHA256_SIZE];
    struct ward_rows rows;
    bool fresh = false;

    if (i->key == NULL || *i->key == '\0') {
        *answer = (struct ward_val){0};
        return WARD_OK;
    }
    if (strlen(i->key) > KEY_MAX)
        return WARD_FAIL_FIELD(err, "idempotency_key", "is longer than %d bytes", KEY_MAX);
    if (!db->in_tx)
        return WARD_FAIL(err, INTERNAL, "an idempotency key was used outside a transaction");
    hash(i, k);
    WARD_TRY(claim(db, i, k, &fresh, err));
    if (fresh) {
        *answer = (struct ward_val){0};
        return WARD_OK;
    }
    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_blob(k, sizeof(k))), &rows, err));
    if (rows.n != 1 || rows.at[0][0].n != WARD_SHA256_SIZE)
        return WARD_FAIL(err, DATA_LOSS, "an idempotency row is invalid");
    if (memcmp(rows.at[0][0].p, i->request_sha256, WARD_SHA256_SIZE) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "IDEMPOTENCY_MISMATCH",
                                "this idempotency key was used for another request");
    *answer = rows.at[0][1];
    return WARD_OK;
}

enum ward_code ward_idem_keep(struct ward_db *db, const struct ward_idem *i, const void *answer,
                              size_t n, struct ward_err *err)
{
    static const char SQL[] = "UPDATE ward_idempotency SET answer = ? WHERE k = ?";
    uint8_t k[WARD_SHA256_SIZE];
    struct ward_rows out;

    if (i->key == NULL || *i->key == '\0')
        return WARD_OK;
    if (!db->in_tx)
        return WARD_FAIL(err, INTERNAL, "an idempotency key was used outside a transaction");
    hash(i, k);
    WARD_TRY(ward_db_run(
        db, NULL, SQL, WARD_PARAMS(ward_blob(answer, n), ward_blob(k, sizeof(k))), &out, err));
    if (out.affected != 1)
        return WARD_FAIL(err, INTERNAL,
                         "an answer was stored for an idempotency key that was not queried");
    return WARD_OK;
}

enum ward_code ward_idem_expire(struct ward_db *db, struct ward_err *err)
{
    /* deletes in small steps, so that no call waits long for a lock */
    static const char SQL[] = "DELETE FROM ward_idempotency"
                              " WHERE created_at < NOW(6) - INTERVAL 24 HOUR"
                              " ORDER BY created_at LIMIT 1000";
    struct ward_rows out = {.affected = EXPIRE_ROWS};

    for (int i = 0; i < EXPIRE_BATCHES && out.affected == EXPIRE_ROWS; i++)
        WARD_TRY(ward_db_run(db, NULL, SQL, WARD_NO_PARAMS, &out, err));
    return WARD_OK;
}
