/* rules.h - who may do what, before any patient is looked at, and about one patient. Pure.
 *
 * Threads: any. Memory: none. Errors: none; scope_of says what is allowed, which may be
 * nothing.
 */
#ifndef RECORDS_RULES_H
#define RECORDS_RULES_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* ward.records.v1.Kind's numbers; a set of kinds is bits 1 << kind. */
enum kind {
    KIND_NONE,
    KIND_PATIENT,
    KIND_ENCOUNTER,
    KIND_OBSERVATION,
    KIND_CONDITION,
    KIND_ALLERGY,
    KIND_DOCUMENT,
    KIND_REPORT,
    KIND_CONSENT,
    KIND_MEDICATION,   /* MedicationStatement */
    KIND_OTHER,        /* of a kind that is not interpreted */
    KIND_PRESCRIPTION, /* MedicationRequest */
    KIND_PROCEDURE,
    KIND_IMMUNIZATION,
    KIND_SERVICE, /* ServiceRequest */
    KIND_PRACTITIONER,
    KIND_ORGANIZATION,
    KIND_LOCATION,
    KINDS
};
#define KIND_BIT(k) (UINT32_C(1) << (k))
#define KINDS_ALL   (KIND_BIT(KINDS) - 2)
/* Of no patient: store/directory.h. */
#define KINDS_NOBODYS                                                                          \
    (KIND_BIT(KIND_PRACTITIONER) | KIND_BIT(KIND_ORGANIZATION) | KIND_BIT(KIND_LOCATION))
static inline bool kind_is_nobodys(enum kind kind)
{
    return (KINDS_NOBODYS & KIND_BIT(kind)) != 0;
}
/* Whether a number of the wire's is a kind. */
static inline bool kind_is(int n)
{
    return n > KIND_NONE && n < KINDS;
}

enum use { USE_READ, USE_WRITE };

/* What a person may do by their roles and purpose of use, as sets of kinds.
 *   everyone  of any patient; only denials that name the person or their role hide from them
 *   treated   of patients they treat (an open encounter in their ward); every denial hides
 *   own       of themselves (the patient whose id is their token's subject)
 * Broken glass opens `treated` for one patient, denials or not; but to write an encounter,
 * which would outlive it. */
struct scope {
    uint32_t everyone, treated, own;
};
/* Unknown roles and purposes give nothing. */
struct scope scope_of(const char *const *roles, int n_roles, const char *purpose, enum use use);
bool scope_has(const struct scope *s, enum kind kind); /* of anybody at all */
/* Whether some role of theirs gives anything for some other purpose: PURPOSE_NOT_ALLOWED and
 * not KIND_NOT_ALLOWED. */
bool scope_by_other_purpose(const char *const *roles, int n_roles, enum use use,
                            enum kind kind);

/* A ward's name: 1 to 64 of A-Z a-z 0-9 . _ -, in a token as in an encounter's location. */
#define WARD_NAME_MAX 64
bool ward_name_is(const char *name);

/* What is known of the caller and one resource's patient. */
struct standing {
    bool treats, glass, self;
    bool denied_all;     /* a denial that names nobody covers this resource */
    bool denied_to_them; /* one that names them or a role of theirs does */
};
/* The whole decision, as the SQL of access/scope.h makes it: the tests hold both against the
 * same table. */
bool may(const struct scope *s, enum use use, enum kind kind, const struct standing *st);

#endif
