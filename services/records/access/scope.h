/* scope.h - a caller's view of the charts, and its SQL condition.
 *
 * Every query of patients' data has VIEW_SQL in its WHERE, so that queries neither find nor
 * count unreadable resources.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: as each function
 * says.
 */
#ifndef RECORDS_ACCESS_SCOPE_H
#define RECORDS_ACCESS_SCOPE_H

#include "services/records/records.h"

struct view {
    struct scope scope;
    const char *actor; /* the token's subject */
    const char *ward;  /* "" for no ward or an invalid name: the person treats no patient */
    const char *roles; /* "nurse,physician" for FIND_IN_SET */
    uint8_t self[RECORDS_ID];
    bool has_self;
    /* The view is for writing. A write under a break-glass grant must not extend access beyond
     * the grant. An encounter would, because it creates a treatment relation, so grants do not
     * permit writing an encounter. */
    bool writes;
    int64_t now_us;
};
/* The view of the call's person. */
WARD_MUST enum ward_code view_of(struct ward_call *c, enum use use, struct view *out,
                                 struct ward_err *err);
/* Limits a view to the named roles, for a method that fewer roles may call than may use the
 * kind. */
void view_only(struct view *v, const struct ward_call *c, enum use use,
               const char *const *roles, int n_roles);
/* Returns PERMISSION_DENIED, with PURPOSE_NOT_ALLOWED or KIND_NOT_ALLOWED, unless the scope
 * permits access to any patient's resource of this kind. */
WARD_MUST enum ward_code view_allows(const struct view *v, struct ward_call *c, enum use use,
                                     enum kind kind, struct ward_err *err);

/* A condition on `resource r JOIN patient p ON p.patient_id = r.patient_id` for one kind. The
 * condition has VIEW_PARAMS parameters, in the order of view_params. */
#define VIEW_OPEN_IN_WARD                                                                      \
    "EXISTS (SELECT 1 FROM patient vq JOIN open_encounter vo ON vo.patient_id = vq.patient_id" \
    " WHERE vq.root_id = p.root_id AND vo.ward = ?"                                            \
    " AND vo.from_us <= ? AND vo.until_us > ?)"
#define VIEW_DENIED(who)                                                                       \
    "EXISTS (SELECT 1 FROM patient vd JOIN consent_deny d ON d.patient_id = vd.patient_id"     \
    " WHERE vd.root_id = p.root_id AND d.from_us <= ? AND d.to_us > ?"                         \
    " AND (d.kinds = 0 OR (d.kinds >> r.kind) & 1) AND (d.labels = 0 OR d.labels & r.labels)"  \
    " AND (" who "))"
#define VIEW_NAMED "d.actor = ? OR FIND_IN_SET(d.role, ?)"
#define VIEW_GLASS                                                                             \
    "EXISTS (SELECT 1 FROM patient vg JOIN glass g ON g.patient_id = vg.patient_id"            \
    " WHERE vg.root_id = p.root_id AND g.actor = ? AND g.until_us > ?)"
#define VIEW_EVERYONE "NOT " VIEW_DENIED(VIEW_NAMED)
#define VIEW_SELF     "p.root_id = (SELECT vs.root_id FROM patient vs WHERE vs.patient_id = ?)"
#define VIEW_TREATED                                                                           \
    "(" VIEW_GLASS " OR (" VIEW_OPEN_IN_WARD                                                   \
    " AND NOT " VIEW_DENIED("(d.actor IS NULL AND d.role IS NULL) OR " VIEW_NAMED) "))"
#define VIEW_SQL                                                                               \
    "((? AND " VIEW_EVERYONE ") OR (? AND " VIEW_SELF ") OR (? AND " VIEW_TREATED "))"
#define VIEW_PARAMS 17
/* Fills out[VIEW_PARAMS]. */
void view_params(const struct view *v, enum kind kind, struct ward_arena *mem,
                 struct ward_val *out);

/* The parts of VIEW_SQL, of which one must hold. A statement that is composed at run time
 * leaves out the parts that do not apply, so that MariaDB does not prepare their subqueries. */
#define VIEW_PARTS       3
#define VIEW_PART_PARAMS 9
struct view_part {
    const char *sql;
    bool applies; /* to this view and kind */
    struct ward_val param[VIEW_PART_PARAMS];
    size_t n_params;
};
void records_view_parts(const struct view *v, enum kind kind, struct ward_arena *mem,
                        struct view_part out[VIEW_PARTS]);

/* Ids of readable patients, if no role of the caller permits this kind for all patients
 * (view_is_few). These are the patients of the caller's ward and break-glass grants, and the
 * caller. A query without a patient adds "p.patient_id IN " VIEW_FEW_SQL, so that the query
 * reads a ward and not all patients. VIEW_SQL still decides for each resource. */
#define VIEW_FEW_SQL                                                                           \
    "(SELECT fp.patient_id FROM (SELECT fq.root_id FROM open_encounter fo"                     \
    " JOIN patient fq ON fq.patient_id = fo.patient_id WHERE fo.ward = ?"                      \
    " AND fo.from_us <= ? AND fo.until_us > ?"                                                 \
    " UNION SELECT fq.root_id FROM glass fg JOIN patient fq ON fq.patient_id = fg.patient_id"  \
    " WHERE fg.actor = ? AND fg.until_us > ?"                                                  \
    " UNION SELECT fq.root_id FROM patient fq WHERE fq.patient_id = ?) few"                    \
    " JOIN patient fp ON fp.root_id = few.root_id)"
#define VIEW_FEW_PARAMS 6
bool view_is_few(const struct view *v, enum kind kind);
/* Fills out[VIEW_FEW_PARAMS]. */
void view_few_params(const struct view *v, struct ward_arena *mem, struct ward_val *out);

/* Checks that the view covers resources of this kind, with these labels (access/label.h), of
 * this patient. The resource need not exist.
 *   NOT_FOUND  PATIENT_NOT_FOUND: no such patient, or no access */
WARD_MUST enum ward_code view_covers(struct worker *w, struct ward_arena *mem,
                                     const struct view *v, enum kind kind, uint32_t labels,
                                     const uint8_t patient[RECORDS_ID], struct ward_err *err);
/* Finds the caller's open break-glass grant for this patient. *found is false if there is no
 * grant. */
WARD_MUST enum ward_code view_glass(struct worker *w, struct ward_arena *mem,
                                    const struct view *v, const uint8_t patient[RECORDS_ID],
                                    uint8_t glass_id[RECORDS_ID], bool *found,
                                    struct ward_err *err);

#endif
