#include "services/dosage/order/head.h"

#include "services/dosage/store/keep.h"
#include "services/dosage/store/owner.h"

#include <string.h>

/* ---- the cache ---- */

static struct keep_key key_of(const uint8_t patient[DOSAGE_ID], const char *ward)
{
    const struct ward_bytes parts[] = {{"head", 5}, {ward, strlen(ward)}};
    struct keep_key key;

    memcpy(key.id, patient, DOSAGE_ID);
    ward_sha256_parts(parts, WARD_COUNT(parts), key.who);
    return key;
}

const struct head *head_find(struct dosage *dos, struct ward_arena *mem,
                             const uint8_t patient[DOSAGE_ID], const char *ward)
{
    struct keep_key key = key_of(patient, ward);
    struct kept kept;

    if (dos->lately == NULL || !keep_find(dos->lately, &key, mem, &kept) ||
        kept.n != sizeof(struct head))
        return NULL;
    return kept.facts;
}

void head_keep(struct dosage *dos, uint64_t generation, const struct head *h)
{
    struct keep_key key = key_of(h->patient, h->ward);

    if (dos->lately != NULL)
        keep_put(dos->lately, &key, generation, &(struct kept){.facts = h, .n = sizeof(*h)});
}

/* ---- the tables ---- */

enum kind { RULES, WARD, PATIENT };
enum at {
    AT_KIND,
    AT_NUMBER, /* version of a rule set; minutes before of a ward; patient.touched */
    AT_SECOND, /* minutes after of a ward; time of a patient's erasure */
    AT_WARD,
    AT_TIME_ZONE,
    AT_PATIENT,
    AT_ROOT
};

#define EIGHT "?, ?, ?, ?, ?, ?, ?, ?"
#define SIXTY_FOUR                                                                             \
    EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT
#define STAND(list)                                                                            \
    "SELECT 0, r.version, NULL, NULL, NULL, NULL, NULL FROM rule_set_active r"                 \
    " UNION ALL SELECT 1, w.before_minutes, w.after_minutes, w.ward, w.time_zone, NULL, NULL"  \
    " FROM ward w WHERE w.ward IN (" list ")"                                                  \
    " UNION ALL SELECT 2, p.touched, p.erased_at_us, NULL, NULL, p.patient_id, p.root_id"      \
    " FROM patient p WHERE p.root_id IN (" list ")"

/* A list shorter than the statement's parameters is padded with its last element. */
static enum ward_code read_rows(struct ward_db *db, struct ward_arena *mem,
                                const struct head *const *heads, size_t n,
                                struct ward_rows *out, struct ward_err *err)
{
    static const char ONE[] = STAND("?"), SOME[] = STAND(EIGHT), MANY[] = STAND(SIXTY_FOUR);
    const char *sql = n == 1 ? ONE : n <= 8 ? SOME : MANY;
    size_t room = n == 1 ? 1 : n <= 8 ? 8 : HEADS_MOST;
    struct ward_val params[2 * HEADS_MOST];

    WARD_ASSERT(n > 0 && n <= HEADS_MOST);
    for (size_t i = 0; i < room; i++) {
        const struct head *h = heads[i < n ? i : n - 1];

        params[i] = ward_text(h->ward);
        params[room + i] = id_val(h->root);
    }
    return ward_db_run(db, mem, sql, params, 2 * room, out, err);
}

/* ---- comparison ---- */

static bool is_of(const struct ward_val *row, enum at at, const uint8_t id[DOSAGE_ID])
{
    return row[at].p != NULL && memcmp(row[at].p, id, DOSAGE_ID) == 0;
}

static bool is_clock(const struct head *h, const struct ward_val *row)
{
    return h->has_clock && row_number(row[AT_NUMBER]) == h->before_minutes &&
           row_number(row[AT_SECOND]) == h->after_minutes &&
           strcmp(row[AT_TIME_ZONE].p, h->time_zone) == 0;
}

static bool is_patient(const struct head *h, const struct ward_val *row)
{
    return is_of(row, AT_PATIENT, h->patient) && row[AT_SECOND].p == NULL &&
           row_number(row[AT_NUMBER]) == h->touched;
}

static bool stands(const struct head *h, const struct ward_rows *rows)
{
    size_t patients = 0, clocks = 0, sets = 0;

    for (size_t i = 0; i < rows->n; i++) {
        const struct ward_val *row = rows->at[i];

        switch ((enum kind)row_number(row[AT_KIND])) {
        case RULES:
            sets += row_number(row[AT_NUMBER]) == h->rules;
            break;
        case WARD:
            if (strcmp(row[AT_WARD].p, h->ward) != 0)
                break;
            if (!is_clock(h, row))
                return false;
            clocks++;
            break;
        case PATIENT:
            if (!is_of(row, AT_ROOT, h->root))
                break;
            if (!is_patient(h, row))
                return false;
            patients++;
            break;
        }
    }
    return sets == 1 && patients == 1 && clocks == h->has_clock;
}

enum ward_code heads_stand(struct ward_db *db, struct ward_arena *mem,
                           const struct head *const *heads, size_t n, bool *stand,
                           struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(read_rows(db, mem, heads, n, &rows, err));
    for (size_t i = 0; i < n; i++)
        stand[i] = stands(heads[i], &rows);
    return WARD_OK;
}
