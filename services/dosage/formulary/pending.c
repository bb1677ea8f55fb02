/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"
#include "services/dosage/formulary/ruleset.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(draft_rule_set)
PENDING(get_rule_set)
PENDING(list_rule_sets)
PENDING(replay)
PENDING(approve_rule_set)
PENDING(activate_rule_set)
PENDING(find_drugs)

enum ward_code rulesets_open(struct dosage *dos, struct rulesets **out, struct ward_err *err)
{
    (void)dos, (void)out, (void)err;
    return WARD_OK;
}

void rulesets_close(struct rulesets *rs)
{
    (void)rs;
}

enum ward_code ruleset_make(const Ward__Dosage__V1__RuleSet *msg, const char sha256[65],
                            struct ruleset **out, struct ruleset_problems *problems,
                            struct ward_err *err)
{
    (void)msg, (void)sha256, (void)out, (void)problems;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

void ruleset_free(struct ruleset *r)
{
    (void)r;
}

const Ward__Dosage__V1__RuleSet *ruleset_message(const struct ruleset *r)
{
    (void)r;
    return NULL;
}

int64_t ruleset_version(const struct ruleset *r)
{
    (void)r;
    return 0;
}

const char *ruleset_sha256(const struct ruleset *r)
{
    (void)r;
    return NULL;
}

const Ward__Dosage__V1__Drug *ruleset_drug(const struct ruleset *r, const char *id)
{
    (void)r, (void)id;
    return NULL;
}

const Ward__Dosage__V1__Ingredient *ruleset_ingredient(const struct ruleset *r, const char *id)
{
    (void)r, (void)id;
    return NULL;
}

const Ward__Dosage__V1__Product *ruleset_product(const struct ruleset *r, const char *id,
                                                 const Ward__Dosage__V1__Drug **drug)
{
    (void)r, (void)id, (void)drug;
    return NULL;
}

const Ward__Dosage__V1__Product *ruleset_gtin(const struct ruleset *r, const char *gtin,
                                              const Ward__Dosage__V1__Drug **drug)
{
    (void)r, (void)gtin, (void)drug;
    return NULL;
}

const Ward__Dosage__V1__Reason *ruleset_reason(const struct ruleset *r, const char *code,
                                               Ward__Dosage__V1__Reason__Use use)
{
    (void)r, (void)code, (void)use;
    return NULL;
}

size_t ruleset_dose_rules(const struct ruleset *r, const char *ingredient,
                          const Ward__Dosage__V1__DoseRule *const **out)
{
    (void)r, (void)ingredient, (void)out;
    return 0;
}

bool ruleset_in_class(const struct ruleset *r, const char *ingredient, const char *class_id)
{
    (void)r, (void)ingredient, (void)class_id;
    return false;
}

bool ruleset_selects(const struct ruleset *r, const Ward__Dosage__V1__Selector *s,
                     const char *ingredient)
{
    (void)r, (void)s, (void)ingredient;
    return false;
}

enum ward_code ruleset_active(struct worker *w, struct ward_arena *mem,
                              const struct ruleset **out, struct ward_err *err)
{
    (void)w, (void)mem, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code ruleset_of(struct worker *w, struct ward_arena *mem, int64_t version,
                          const struct ruleset **out, struct ward_err *err)
{
    (void)w, (void)mem, (void)version, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}
