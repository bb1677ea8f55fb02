#include "services/dosage/chart/ask_own.h"
#include "services/dosage/formulary/ruleset.h"

#include <string.h>

typedef Ward__Records__V1__SearchResponse SearchResponse;

/* ---- allergies ---- */

static void question_allergies(struct question *q, struct asking *a)
{
    question_begin(q, a, KIND(ALLERGY_INTOLERANCE), FACTS_ALLERGIES);
}

/* Reads all pages, up to the limit of stored entries. */
static enum ward_code ask_allergies(struct asking *a, Facts *out)
{
    struct ward_call *c = a->call;
    Record **all = ward_alloc(c->mem, 2 * FACTS_ALLERGIES * sizeof(Record *));
    SearchResponse *resp;
    struct question q;
    size_t n = 0;
    bool more = true;

    if (all == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the allergies");
    question_allergies(&q, a);
    while (more && n < FACTS_ALLERGIES) {
        WARD_TRY(n == 0 ? asking_first(a, ASKED_ALLERGIES, &q, &resp)
                        : asking_search(a, &q, &resp));
        for (size_t i = 0; i < resp->n_records && n < (size_t)2 * FACTS_ALLERGIES; i++)
            all[n++] = resp->records[i];
        q.req.page_token = resp->next_page_token;
        more = *resp->next_page_token != '\0';
    }
    WARD_TRY(facts_allergies(all, n, c->mem, out, c->err));
    out->allergies_cut = out->allergies_cut || more;
    return WARD_OK;
}

/* ---- measurements ---- */

#define GROUP_BIT(group) (1u << (group))

/* Parameter values for the codes of the groups, such as "http://loinc.org|29463-7". */
static enum ward_code code_values(struct ward_arena *mem, unsigned groups, char ***out,
                                  size_t *n, struct ward_err *err)
{
    size_t most = 0;

    while (facts_codes[most].loinc != NULL)
        most++;
    *out = ward_alloc(mem, most * sizeof(char *));
    *n = 0;
    for (size_t i = 0; *out != NULL && i < most; i++) {
        if (!(GROUP_BIT(facts_codes[i].group) & groups))
            continue;
        (*out)[*n] = ward_printf(mem, "http://loinc.org|%s", facts_codes[i].loinc);
        if ((*out)[(*n)++] == NULL)
            break;
    }
    return mem->full ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the codes") : WARD_OK;
}

static enum ward_code question_groups(struct question *q, struct asking *a, unsigned groups)
{
    static const char *const COUNT[] = {"final", "amended", "corrected"};
    struct ward_call *c = a->call;
    char **codes;
    size_t n;

    WARD_TRY(code_values(c->mem, groups, &codes, &n, c->err));
    question_begin(q, a, KIND(OBSERVATION), PAGE);
    question_also(q, "code", codes, n);
    question_also(q, "status", (char **)(uintptr_t)COUNT, WARD_COUNT(COUNT));
    return WARD_OK;
}

static enum ward_code observations(struct asking *a, unsigned groups, SearchResponse **out)
{
    struct question q;

    WARD_TRY(question_groups(&q, a, groups));
    return asking_search(a, &q, out);
}

struct found {
    Record **all;
    size_t n;
};

static enum ward_code add(struct ward_call *c, struct found *f, const SearchResponse *resp)
{
    Record **all = ward_alloc(c->mem, (f->n + resp->n_records) * sizeof(Record *));

    if (all == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the observations");
    for (size_t i = 0; i < f->n + resp->n_records; i++)
        all[i] = i < f->n ? f->all[i] : resp->records[i - f->n];
    f->all = all;
    f->n += resp->n_records;
    return WARD_OK;
}

/* Reads two groups at once, newest first. If the values of one group filled the page, the other
 * group is read alone. */
static enum ward_code ask_pair(struct asking *a, size_t which, enum facts_group one,
                               enum facts_group two, int64_t now_us, struct found *f)
{
    enum facts_group pair[] = {one, two};
    struct ward_call *c = a->call;
    size_t had[FACTS_GROUPS];
    SearchResponse *resp;
    struct question q;
    Facts counted;

    WARD_TRY(question_groups(&q, a, GROUP_BIT(one) | GROUP_BIT(two)));
    WARD_TRY(asking_first(a, which, &q, &resp));
    if (*resp->next_page_token == '\0')
        return add(c, f, resp);
    ward__dosage__v1__facts__init(&counted);
    WARD_TRY(
        facts_measured(resp->records, resp->n_records, now_us, c->mem, &counted, had, c->err));
    WARD_TRY(add(c, f, resp));
    for (size_t i = 0; i < WARD_COUNT(pair); i++) {
        if (had[pair[i]] >= FACTS_EACH)
            continue;
        WARD_TRY(observations(a, GROUP_BIT(pair[i]), &resp));
        WARD_TRY(add(c, f, resp));
    }
    return WARD_OK;
}

/* ---- problems, laboratory values ---- */

#define PROBLEM_PAGE  200
#define PROBLEM_PAGES 3
#define LOINCS_A_CALL 20 /* maximum number of values of a parameter in records */
/* with LOINCS_A_CALL codes, a full page has FACTS_LABS values of at least one code */
#define LAB_PAGE  100
#define LAB_CALLS 24

static void question_problems(struct question *q, struct asking *a)
{
    question_begin(q, a, KIND(CONDITION), PROBLEM_PAGE);
}

static enum ward_code ask_problems(struct asking *a, int64_t now_us, Facts *out)
{
    struct ward_call *c = a->call;
    struct found f = {0};
    SearchResponse *resp;
    struct question q;
    bool more = true;

    question_problems(&q, a);
    for (int page = 0; more && page < PROBLEM_PAGES; page++) {
        WARD_TRY(page == 0 ? asking_first(a, ASKED_PROBLEMS, &q, &resp)
                           : asking_search(a, &q, &resp));
        WARD_TRY(add(c, &f, resp));
        q.req.page_token = resp->next_page_token;
        more = *resp->next_page_token != '\0';
    }
    WARD_TRY(facts_problems(f.all, f.n, now_us, c->mem, out, c->err));
    out->problems_cut = out->problems_cut || more;
    return WARD_OK;
}

static void question_home(struct question *q, struct asking *a)
{
    static const char *const TAKEN[] = {"active", "intended", "unknown"};

    question_begin(q, a, KIND(MEDICATION_STATEMENT), FACTS_HOME);
    question_also(q, "status", (char **)(uintptr_t)TAKEN, WARD_COUNT(TAKEN));
}

static enum ward_code ask_home(struct asking *a, Facts *out)
{
    SearchResponse *resp;
    struct question q;

    question_home(&q, a);
    WARD_TRY(asking_first(a, ASKED_HOME, &q, &resp));
    WARD_TRY(facts_home(resp->records, resp->n_records, a->call->mem, out, a->call->err));
    out->home_medicines_cut = out->home_medicines_cut || *resp->next_page_token != '\0';
    return WARD_OK;
}

/* Codes that the active rule set names, and codes of pregnancy. Without an active rule set no
 * dose is checked, so only the codes of pregnancy are read. */
static enum ward_code lab_codes(struct ward_call *c, char ***out, size_t *n)
{
    const struct ruleset *rules = NULL;
    struct ward_err why = {0};
    char *const *named = NULL;
    size_t n_named = 0;

    if (ruleset_active(c->wrk, c->mem, &rules, &why) == WARD_OK)
        named = ruleset_loincs(rules, &n_named);
    *out = ward_alloc(c->mem, (facts_state_codes + n_named) * sizeof(char *));
    if (*out == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    *n = 0;
    for (size_t i = 0; i < facts_state_codes; i++)
        (*out)[(*n)++] = (char *)(uintptr_t)facts_state_code(i);
    for (size_t i = 0; i < n_named; i++) {
        bool has = false;

        for (size_t k = 0; k < facts_state_codes && !has; k++)
            has = strcmp(named[i], (*out)[k]) == 0;
        if (!has)
            (*out)[(*n)++] = named[i];
    }
    return WARD_OK;
}

static enum ward_code question_codes(struct question *q, struct asking *a, char *const *loincs,
                                     size_t n)
{
    static const char *const COUNT[] = {"final", "amended", "corrected"};
    struct ward_call *c = a->call;
    char **codes = ward_alloc(c->mem, n * sizeof(char *));

    if (codes == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    for (size_t i = 0; i < n; i++) {
        codes[i] = ward_printf(c->mem, "http://loinc.org|%s", loincs[i]);
        if (codes[i] == NULL)
            return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    }
    question_begin(q, a, KIND(OBSERVATION), LAB_PAGE);
    question_also(q, "code", codes, n);
    question_also(q, "status", (char **)(uintptr_t)COUNT, WARD_COUNT(COUNT));
    return WARD_OK;
}

#define ASKED_MOST 32 /* maximum number of searches in one call to records */

static size_t part_of(size_t left)
{
    return left < LOINCS_A_CALL ? left : LOINCS_A_CALL;
}

/* Reads up to LOINCS_A_CALL codes at once, newest first. If the result exceeds a page, codes
 * with few values on the page are requested again, because other codes may have displaced their
 * values. */
static enum ward_code ask_labs(struct asking *a, char *const *codes, size_t n, int64_t now_us,
                               Facts *out)
{
    struct ward_call *c = a->call;
    char **todo = ward_alloc(c->mem, n * sizeof(char *));
    struct found f = {0};
    SearchResponse *resp;
    struct question q;
    bool again_any = false;
    size_t left = n;

    if (todo == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    memcpy(todo, codes, n * sizeof(char *));
    for (size_t calls = 0; left > 0 && calls < LAB_CALLS; calls++) {
        size_t part = part_of(left), again = 0;
        char **from = todo + left - part;

        WARD_TRY(question_codes(&q, a, from, part));
        WARD_TRY(again_any ? asking_search(a, &q, &resp)
                           : asking_first(a, ASKED_LABS + calls, &q, &resp));
        WARD_TRY(add(c, &f, resp));
        for (size_t i = 0; *resp->next_page_token != '\0' && i < part; i++)
            if (facts_count(resp->records, resp->n_records, from, part, from[i]) < FACTS_LABS)
                from[again++] = from[i];
        again_any = again_any || again > 0;
        left = left - part + again;
    }
    return facts_labs(f.all, f.n, codes, n, now_us, c->mem, out, c->err);
}

/* ---- all searches in one call ---- */

/* The searches, whose first pages are requested together. */
static enum ward_code questions(struct asking *a, char *const *codes, size_t n_codes,
                                struct question *q, size_t *n)
{
    question_ward(&q[ASKED_WARD], a);
    question_allergies(&q[ASKED_ALLERGIES], a);
    WARD_TRY(
        question_groups(&q[ASKED_SIZE], a, GROUP_BIT(GROUP_WEIGHT) | GROUP_BIT(GROUP_HEIGHT)));
    WARD_TRY(question_groups(&q[ASKED_KIDNEYS], a,
                             GROUP_BIT(GROUP_CREATININE) | GROUP_BIT(GROUP_EGFR)));
    question_problems(&q[ASKED_PROBLEMS], a);
    question_home(&q[ASKED_HOME], a);
    *n = ASKED_LABS;
    for (size_t left = n_codes; left > 0 && *n < ASKED_MOST; left -= part_of(left))
        WARD_TRY(question_codes(&q[(*n)++], a, codes + left - part_of(left), part_of(left)));
    return WARD_OK;
}

static enum ward_code ask_together(struct asking *a, char *const *codes, size_t n_codes)
{
    struct question *q = ward_alloc(a->call->mem, ASKED_MOST * sizeof(*q));
    size_t n = 0;

    if (q == NULL)
        return WARD_FAIL(a->call->err, RESOURCE_EXHAUSTED, "no memory for the questions");
    WARD_TRY(questions(a, codes, n_codes, q, &n));
    return asking_many(a, q, n);
}

enum ward_code ask_all(struct ward_call *c, const uint8_t id[DOSAGE_ID], int64_t now_us,
                       struct answer *out)
{
    size_t had[FACTS_GROUPS], n_codes;
    struct found f = {0};
    struct asking a;
    char **codes;

    asking_begin(&a, c);
    WARD_TRY(asking_patient(&a, id, out));
    WARD_TRY(lab_codes(c, &codes, &n_codes));
    WARD_TRY(ask_together(&a, codes, n_codes));
    WARD_TRY(asking_ward(&a, now_us, out));
    WARD_TRY(ask_allergies(&a, out->facts));
    WARD_TRY(ask_pair(&a, ASKED_SIZE, GROUP_WEIGHT, GROUP_HEIGHT, now_us, &f));
    WARD_TRY(ask_pair(&a, ASKED_KIDNEYS, GROUP_CREATININE, GROUP_EGFR, now_us, &f));
    WARD_TRY(facts_measured(f.all, f.n, now_us, c->mem, out->facts, had, c->err));
    WARD_TRY(ask_problems(&a, now_us, out->facts));
    WARD_TRY(ask_home(&a, out->facts));
    return ask_labs(&a, codes, n_codes, now_us, out->facts);
}
