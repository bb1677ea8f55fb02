/* Writes the rows that decide on access to a chart: wards of open encounters, and denials of
 * consents.
 */
#include "services/records/store/chart_own.h"

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to write a resource");
}

#define OPEN_ROW 5
#define EVER_ROW 3

static void open_row(struct ward_arena *mem, const struct item *it, const struct stay *stay,
                     struct ward_val *to)
{
    to[0] = ward_text(stay->ward);
    to[1] = id_val(it->p.id);
    to[2] = id_val(it->id);
    to[3] = ward_int(mem, stay->from_us);
    to[4] = ward_int(mem, stay->until_us);
}

enum ward_code put_wards(struct worker *w, struct ward_arena *mem, const struct item *items,
                         size_t n, struct ward_err *err)
{
    static const char OPEN[] = "INSERT INTO open_encounter (ward, patient_id, encounter_id,"
                               " from_us, until_us) VALUES (?, ?, ?, ?, ?)";
    static const char EVER[] =
        "INSERT INTO encounter_ward (encounter_id, ward, patient_id) VALUES (?, ?, ?)";
    struct ward_val *open, *ever;
    size_t n_open = 0, n_ever = 0;

    for (size_t i = 0; i < n; i++) {
        n_open += items[i].f.n_stays;
        n_ever += items[i].f.n_wards;
    }
    open = ward_alloc(mem, n_open * OPEN_ROW * sizeof(*open));
    ever = ward_alloc(mem, n_ever * EVER_ROW * sizeof(*ever));
    if (open == NULL || ever == NULL)
        return no_memory(err);
    n_open = n_ever = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < items[i].f.n_stays; k++)
            open_row(mem, &items[i], &items[i].f.stay[k], open + OPEN_ROW * n_open++);
        for (size_t k = 0; k < items[i].f.n_wards; k++) {
            struct ward_val *to = ever + EVER_ROW * n_ever++;

            to[0] = id_val(items[i].id);
            to[1] = ward_text(items[i].f.ward[k]);
            to[2] = id_val(items[i].p.id);
        }
    }
    WARD_TRY(ward_db_bulk(w->event_ctx.db, OPEN, open, OPEN_ROW, n_open, err));
    return ward_db_bulk(w->event_ctx.db, EVER, ever, EVER_ROW, n_ever, err);
}

enum ward_code drop_wards(struct worker *w, struct ward_arena *mem, const struct item *it,
                          struct ward_err *err)
{
    static const char OPEN[] = "DELETE FROM open_encounter WHERE encounter_id = ?";
    static const char EVER[] = "DELETE FROM encounter_ward WHERE encounter_id = ?";

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, OPEN, WARD_PARAMS(id_val(it->id)), NULL, err));
    return ward_db_run(w->event_ctx.db, mem, EVER, WARD_PARAMS(id_val(it->id)), NULL, err);
}

#define DENY_ROW 9

enum ward_code put_denials(struct worker *w, struct ward_arena *mem, const struct item *items,
                           size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO consent_deny (consent_id, n, patient_id, actor, role, kinds, labels,"
        " from_us, to_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_val *row;
    size_t all = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        all += items[i].f.n_denies;
    row = ward_alloc(mem, all * DENY_ROW * sizeof(*row));
    if (row == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < items[i].f.n_denies; k++) {
            const struct deny *d = &items[i].f.deny[k];
            struct ward_val *to = row + DENY_ROW * at++;

            to[0] = id_val(items[i].id);
            to[1] = ward_int(mem, (int64_t)k);
            to[2] = id_val(items[i].p.id);
            to[3] = ward_text(d->actor);
            to[4] = ward_text(d->role);
            to[5] = ward_int(mem, d->kinds);
            to[6] = ward_int(mem, d->labels);
            to[7] = ward_int(mem, d->from_us);
            to[8] = ward_int(mem, d->to_us);
        }
    }
    return ward_db_bulk(w->event_ctx.db, SQL, row, DENY_ROW, all, err);
}

enum ward_code drop_denials(struct worker *w, struct ward_arena *mem, const struct item *it,
                            struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM consent_deny WHERE consent_id = ?";

    return ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(it->id)), NULL, err);
}
