#include "services/records/rules.h"

#include <stddef.h>
#include <string.h>

#define CARE  "TREAT", "ETREAT", "CAREMGT"
#define DESK  "TREAT", "PATADMIN", "HOPERAT"
#define GUARD "HOPERAT", "PATRQT"

#define P KIND_BIT(KIND_PATIENT)
#define E KIND_BIT(KIND_ENCOUNTER)
#define O KIND_BIT(KIND_OBSERVATION)
#define A KIND_BIT(KIND_ALLERGY)
#define D KIND_BIT(KIND_DOCUMENT)
#define C KIND_BIT(KIND_CONSENT)
#define M KIND_BIT(KIND_MEDICATION)
#define U KIND_BIT(KIND_PROCEDURE)
#define I KIND_BIT(KIND_IMMUNIZATION)
#define X KIND_BIT(KIND_OTHER)

/* The permissions listed in docs/records.md. Purposes are HL7 v3 PurposeOfUse codes. Source:
 * HL7 Terminology, http://terminology.hl7.org/ValueSet/v3-PurposeOfUse, checked 2026-11-21. */
static const struct rule {
    const char *role;
    const char *purpose[3];
    struct scope read, write;
} rules[] = {
    {"physician",
     {CARE},
     {.treated = KINDS_ALL},
     /* The patient's identity and consents are not medical. Only an import writes uninterpreted
      * kinds and resources without a patient. */
     {.treated = KINDS_ALL & ~(P | C | X | KINDS_NOBODYS)}},
    {"nurse", {CARE}, {.treated = KINDS_ALL}, {.treated = E | O | A | D | M | U | I}},
    {"pharmacist", {CARE}, {.treated = KINDS_ALL}, {.treated = A | D | M | I}},
    {"registrar", {DESK}, {.everyone = P | E | C}, {.everyone = P | E | C}},
    {"privacy-officer", {GUARD}, {.everyone = P | C}, {.everyone = C}},
    {"patient", {"PATRQT"}, {.own = KINDS_ALL & ~KINDS_NOBODYS}, {0}},
};

static bool has_role(const char *const *roles, int n, const char *role)
{
    for (int i = 0; i < n; i++)
        if (strcmp(roles[i], role) == 0)
            return true;
    return false;
}

static bool for_purpose(const struct rule *r, const char *purpose)
{
    for (size_t i = 0; i < sizeof(r->purpose) / sizeof(r->purpose[0]); i++)
        if (r->purpose[i] != NULL && strcmp(r->purpose[i], purpose) == 0)
            return true;
    return false;
}

static const struct scope *gives(const struct rule *r, enum use use)
{
    return use == USE_READ ? &r->read : &r->write;
}

struct scope scope_of(const char *const *roles, int n_roles, const char *purpose, enum use use)
{
    struct scope out = {0};

    for (size_t i = 0; i < WARD_COUNT(rules); i++) {
        const struct scope *s = gives(&rules[i], use);

        if (!has_role(roles, n_roles, rules[i].role) || !for_purpose(&rules[i], purpose))
            continue;
        out.everyone |= s->everyone;
        out.treated |= s->treated;
        out.own |= s->own;
    }
    return out;
}

bool scope_has(const struct scope *s, enum kind kind)
{
    return ((s->everyone | s->treated | s->own) & KIND_BIT(kind)) != 0;
}

bool scope_by_other_purpose(const char *const *roles, int n_roles, enum use use, enum kind kind)
{
    for (size_t i = 0; i < WARD_COUNT(rules); i++)
        if (has_role(roles, n_roles, rules[i].role) && scope_has(gives(&rules[i], use), kind))
            return true;
    return false;
}

bool ward_name_is(const char *name)
{
    static const char CHARS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = strspn(name, CHARS);

    return n > 0 && n <= WARD_NAME_MAX && name[n] == '\0';
}

bool may(const struct scope *s, enum use use, enum kind kind, const struct standing *st)
{
    bool glass = st->glass && !(use == USE_WRITE && kind == KIND_ENCOUNTER);
    uint32_t bit = KIND_BIT(kind);

    if (st->self && (s->own & bit) != 0)
        return true;
    if ((s->everyone & bit) != 0 && !st->denied_to_them)
        return true;
    if ((s->treated & bit) == 0)
        return false;
    return glass || (st->treats && !st->denied_all && !st->denied_to_them);
}
