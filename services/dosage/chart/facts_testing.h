/* facts_testing.h - records of a chart and their facts, for unit tests. Threads: one. Memory:
 * `mem`, a test's own. Errors: fail the test. */
#ifndef DOSAGE_CHART_FACTS_TESTING_H
#define DOSAGE_CHART_FACTS_TESTING_H

#include "services/dosage/chart/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID(n) "01890000-0000-7000-8000-00000000000" n

typedef Ward__Records__V1__Resource Resource;
typedef Ward__Records__V1__Version Version;
typedef Ward__Records__V1__CodeableConcept Concept;
typedef Ward__Records__V1__Coding Coding;

static struct ward_arena mem;
static Facts facts;

static inline int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)8 << 20);
    ward__dosage__v1__facts__init(&facts);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static inline char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static inline Concept *concept_of(const char *system, const char *code)
{
    Concept *c = ward_new(&mem, Concept);
    Coding *k = ward_new(&mem, Coding);

    ward__records__v1__codeable_concept__init(c);
    ward__records__v1__coding__init(k);
    k->system = text(system);
    k->code = text(code);
    c->coding = ward_alloc(&mem, sizeof(Coding *));
    c->coding[0] = k;
    c->n_coding = 1;
    return c;
}

static inline Record *record_of(const char *id, Resource **res)
{
    Record *r = ward_new(&mem, Record);

    ward__records__v1__record__init(r);
    r->resource = *res = ward_new(&mem, Resource);
    r->version = ward_new(&mem, Version);
    ward__records__v1__resource__init(r->resource);
    ward__records__v1__version__init(r->version);
    r->version->resource_id = text(id);
    r->version->version = 3;
    return r;
}

#endif
