#include "services/records/access/scope.h"

#include "common/base/clock.h"

#include <string.h>

/* Joins roles to "nurse,physician", the argument of FIND_IN_SET. A role name with a comma is
 * omitted, because it would count as two roles. */
static const char *joined(struct ward_arena *mem, const struct ward_principal *who)
{
    const char *out = "";

    for (int i = 0; out != NULL && i < who->n_roles; i++)
        if (strchr(who->roles[i], ',') == NULL)
            out = ward_printf(mem, "%s%s%s", out, *out == '\0' ? "" : ",", who->roles[i]);
    return out;
}

enum ward_code view_of(struct ward_call *c, enum use use, struct view *out,
                       struct ward_err *err)
{
    const struct ward_principal *who = c->who;
    struct view v = {.actor = "",
                     .ward = "",
                     .roles = "",
                     .writes = use == USE_WRITE,
                     .now_us = ward_wall_us()};

    if (who != NULL) {
        v.scope = scope_of(who->roles, who->n_roles, who->purpose, use);
        v.actor = who->subject;
        v.ward = ward_name_is(who->ward) ? who->ward : "";
        v.roles = joined(c->mem, who);
        v.has_self = ward_uuid_parse(who->subject, v.self);
    }
    if (v.roles == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the roles");
    *out = v;
    return WARD_OK;
}

void view_only(struct view *v, const struct ward_call *c, enum use use,
               const char *const *roles, int n_roles)
{
    const char *theirs[WARD_MAX_ROLES];
    int n = 0;

    for (int i = 0; i < n_roles && n < WARD_MAX_ROLES; i++)
        if (c->who != NULL && ward_principal_has(c->who, roles[i]))
            theirs[n++] = roles[i];
    v->scope = scope_of(theirs, n, c->who == NULL ? "" : c->who->purpose, use);
}

enum ward_code view_allows(const struct view *v, struct ward_call *c, enum use use,
                           enum kind kind, struct ward_err *err)
{
    const struct ward_principal *who = c->who;

    if (scope_has(&v->scope, kind))
        return WARD_OK;
    if (who != NULL && scope_by_other_purpose(who->roles, who->n_roles, use, kind))
        return WARD_FAIL_REASON(
            err, PERMISSION_DENIED, "PURPOSE_NOT_ALLOWED",
            "no role of this person permits this action for this purpose of use");
    return WARD_FAIL_REASON(
        err, PERMISSION_DENIED, "KIND_NOT_ALLOWED",
        "no role of this person permits this action on this kind of resource");
}

static struct ward_val flag(bool on)
{
    return ward_text(on ? "1" : "0");
}

static struct ward_val self_of(const struct view *v)
{
    return v->has_self ? ward_blob(v->self, sizeof(v->self)) : ward_text(NULL);
}

/* A person without a ward treats no patients: the parameter is NULL, which equals no ward, not
 * even "". */
static struct ward_val ward_of(const struct view *v)
{
    return ward_text(*v->ward == '\0' ? NULL : v->ward);
}

/* The grantee whose break-glass grants apply. NULL for writing an encounter: no grant
 * applies. */
static struct ward_val glass_of(const struct view *v, enum kind kind)
{
    return ward_text(v->writes && kind == KIND_ENCOUNTER ? NULL : v->actor);
}

void records_view_parts(const struct view *v, enum kind kind, struct ward_arena *mem,
                        struct view_part out[VIEW_PARTS])
{
    uint32_t bit = KIND_BIT(kind);
    struct ward_val now = ward_int(mem, v->now_us);
    struct ward_val actor = ward_text(v->actor), roles = ward_text(v->roles);
    const struct view_part all[VIEW_PARTS] = {
        {VIEW_EVERYONE, (v->scope.everyone & bit) != 0, {now, now, actor, roles}, 4},
        {VIEW_SELF, v->has_self && (v->scope.own & bit) != 0, {self_of(v)}, 1},
        {VIEW_TREATED,
         (v->scope.treated & bit) != 0,
         {glass_of(v, kind), now, ward_of(v), now, now, now, now, actor, roles},
         9},
    };

    memcpy(out, all, sizeof(all));
}

void view_params(const struct view *v, enum kind kind, struct ward_arena *mem,
                 struct ward_val *out)
{
    struct view_part part[VIEW_PARTS];
    size_t n = 0;

    records_view_parts(v, kind, mem, part);
    for (size_t i = 0; i < VIEW_PARTS; i++) {
        out[n++] = flag(part[i].applies);
        for (size_t k = 0; k < part[i].n_params; k++)
            out[n++] = part[i].param[k];
    }
    WARD_ASSERT(n == VIEW_PARAMS);
}

bool view_is_few(const struct view *v, enum kind kind)
{
    return (v->scope.everyone & KIND_BIT(kind)) == 0;
}

void view_few_params(const struct view *v, struct ward_arena *mem, struct ward_val *out)
{
    out[0] = ward_of(v);
    out[1] = ward_int(mem, v->now_us);
    out[2] = out[1];
    out[3] = ward_text(v->actor);
    out[4] = out[1];
    out[5] = self_of(v);
}

enum ward_code view_covers(struct worker *w, struct ward_arena *mem, const struct view *v,
                           enum kind kind, uint32_t labels, const uint8_t patient[RECORDS_ID],
                           struct ward_err *err)
{
    static const char sql[] =
        "SELECT 1 FROM patient p JOIN (SELECT CAST(? AS UNSIGNED) AS kind,"
        " CAST(? AS UNSIGNED) AS labels) r WHERE p.patient_id = ?"
        " AND " VIEW_SQL;
    struct ward_val params[3 + VIEW_PARAMS] = {ward_int(mem, kind), ward_int(mem, labels),
                                               ward_blob(patient, RECORDS_ID)};
    struct ward_rows rows;

    view_params(v, kind, mem, params + 3);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, sql, params, WARD_COUNT(params), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    return WARD_OK;
}

enum ward_code view_glass(struct worker *w, struct ward_arena *mem, const struct view *v,
                          const uint8_t patient[RECORDS_ID], uint8_t glass_id[RECORDS_ID],
                          bool *found, struct ward_err *err)
{
    static const char sql[] =
        "SELECT g.glass_id FROM patient p JOIN patient q ON q.root_id = p.root_id"
        " JOIN glass g ON g.patient_id = q.patient_id"
        " WHERE p.patient_id = ? AND g.actor = ? AND g.until_us > ?"
        " ORDER BY g.until_us DESC LIMIT 1";
    struct ward_rows rows;

    *found = false;
    if (v->scope.treated == 0)
        return WARD_OK; /* grants apply only to the scope `treated` */
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, sql,
                         WARD_PARAMS(ward_blob(patient, RECORDS_ID), ward_text(v->actor),
                                     ward_int(mem, v->now_us)),
                         &rows, err));
    if (rows.n == 0)
        return WARD_OK;
    memcpy(glass_id, rows.at[0][0].p, RECORDS_ID);
    *found = true;
    return WARD_OK;
}
