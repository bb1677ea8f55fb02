/* rules.h - permissions by role, decided before any patient is read, and for one patient. Pure.
 *
 * Threads: any thread. Memory: none. Errors: none. Without permissions, scope_of returns an
 * empty scope.
 */
#ifndef RECORDS_RULES_H
#define RECORDS_RULES_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers of ward.records.v1.Kind. A set of kinds has the bit 1 << kind for each kind. */
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
    KIND_OTHER,        /* a kind that the service does not interpret */
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
/* Kinds whose resources have no patient: store/directory.h. */
#define KINDS_NOBODYS                                                                          \
    (KIND_BIT(KIND_PRACTITIONER) | KIND_BIT(KIND_ORGANIZATION) | KIND_BIT(KIND_LOCATION))
static inline bool kind_is_nobodys(enum kind kind)
{
    return (KINDS_NOBODYS & KIND_BIT(kind)) != 0;
}
/* Whether a wire number is a kind. */
static inline bool kind_is(int n)
{
    return n > KIND_NONE && n < KINDS;
}

enum use { USE_READ, USE_WRITE };

/* A person's permissions by roles and purpose of use, as sets of kinds.
 *   everyone  for any patient; hidden only by denials that name the person or their role
 *   treated   for patients whom the person treats (an open encounter in their ward); hidden by
 *   every denial
 *   own       for the person (the patient whose id is their token's subject)
 *
 * A break-glass grant opens `treated` for one patient in spite of denials. Writing an encounter
 * is excluded, because the encounter would outlast the grant. */
struct scope {
    uint32_t everyone, treated, own;
};
/* Unknown roles and purposes permit nothing. */
struct scope scope_of(const char *const *roles, int n_roles, const char *purpose, enum use use);
/* Whether any part of the scope contains the kind. */
bool scope_has(const struct scope *s, enum kind kind);
/* Whether one of the caller's roles permits anything for another purpose: PURPOSE_NOT_ALLOWED
 * instead of KIND_NOT_ALLOWED. */
bool scope_by_other_purpose(const char *const *roles, int n_roles, enum use use,
                            enum kind kind);

/* A ward's name: 1 to 64 of A-Z a-z 0-9 . _ -, in a token and in an encounter's location. */
#define WARD_NAME_MAX 64
bool ward_name_is(const char *name);

/* Facts about the caller and one resource's patient. */
struct standing {
    bool treats, glass, self;
    bool denied_all;     /* a denial without an actor covers this resource */
    bool denied_to_them; /* a denial that names the caller or one of their roles covers it */
};
/* The complete decision. The decision equals the SQL of access/scope.h: tests compare the
 * function and the SQL with one table. */
bool may(const struct scope *s, enum use use, enum kind kind, const struct standing *st);

#endif
