/* Orders as a hospital's: usual doses of the sample formulary's drugs, made of a number. */
#include "bench.h"

#include "common/base/text.h"

typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__Timing Timing;

struct usual {
    const char *drug, *value, *unit;
    Ward__Dosage__V1__Route route;
    int hours;
};

static const struct usual kinds[KINDS] = {
    {"paracetamol", "500", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 6},
    {"amlodipine", "5", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 24},
    {"metoprolol", "50", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 12},
    {"atorvastatin", "20", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 24},
    {"omeprazole", "20", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 24},
    {"furosemide", "20", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 24},
    {"lisinopril", "10", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 24},
    {"levothyroxine", "50", "ug", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 24},
    {"ondansetron", "4", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_PO, 8},
    {"enoxaparin", "40", "mg", WARD__DOSAGE__V1__ROUTE__ROUTE_SC, 24},
};
static const struct usual asked = {"ceftriaxone", "1000", "mg",
                                   WARD__DOSAGE__V1__ROUTE__ROUTE_IV, 24};

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static Prescription *make(struct ward_arena *mem, const struct usual *u)
{
    Prescription *p = ward_new(mem, Prescription);
    Quantity *dose = ward_new(mem, Quantity);
    Timing *timing = ward_new(mem, Timing);

    WARD_ASSERT(p != NULL && dose != NULL && timing != NULL);
    ward__dosage__v1__prescription__init(p);
    ward__dosage__v1__quantity__init(dose);
    ward__dosage__v1__timing__init(timing);
    dose->value = text(u->value);
    dose->unit = text(u->unit);
    timing->kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_INTERVAL;
    timing->interval_minutes = 60 * u->hours;
    p->drug_id = text(u->drug);
    p->dose = dose;
    p->route = u->route;
    p->timing = timing;
    return p;
}

Prescription *make_prescription(struct ward_arena *mem, uint64_t kind, int64_t starts_us,
                                int64_t ends_us)
{
    Prescription *p = make(mem, &kinds[kind % KINDS]);

    p->starts_at_us = starts_us;
    p->ends_at_us = ends_us;
    return p;
}

Prescription *make_asked(struct ward_arena *mem)
{
    return make(mem, &asked);
}
