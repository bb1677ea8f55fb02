/* Indexes a consent by scope and category, and an active consent by its denials. Unenforceable
 * provisions are rejected: resources.proto lists the permitted provisions at Consent. */
#include "services/records/access/label.h"
#include "services/records/index/index_own.h"
#include "services/records/index/resource.h"

#include <string.h>

#define ROLES        "http://ward/roles"
#define KINDS_SYSTEM "http://hl7.org/fhir/resource-types"
#define PERSON       "Practitioner/"
#define ACTOR_MAX    128
#define ROLE_MAX     64
#define DENIES_MAX   256

typedef Ward__Records__V1__Consent__Provision Provision;
typedef Ward__Records__V1__Consent__Actor Actor;

static bool cannot(struct sink *s, const char *what)
{
    return sink_is(s, WARD_FAIL_REASON(s->err, FAILED_PRECONDITION, "CONSENT_NOT_ENFORCEABLE",
                                       "%s cannot be enforced", what));
}

static bool denies(const Provision *p)
{
    return p->type == WARD__RECORDS__V1__CONSENT__PROVISION_TYPE__PROVISION_TYPE_DENY;
}

/* Rejects a provision with uninterpreted content: a modifier extension, a member without a
 * field, or an unsupported restriction. */
static bool plain(struct sink *s, const Provision *p)
{
    if (p->n_modifier_extension > 0 || *p->more_json != '\0')
        return cannot(s, "a provision with unknown members or modifiers");
    if (p->n_action > 0 || p->n_purpose > 0 || p->n_code > 0 || p->data_period != NULL ||
        p->n_data > 0)
        return cannot(s, "a provision by action, purpose, code or data");
    return true;
}

static bool bounded(const Provision *p)
{
    return p->n_actor > 0 || p->n_security_label > 0 || p->n_class_ > 0;
}

static bool kinds_of(struct sink *s, const Provision *p, uint32_t *out)
{
    for (size_t i = 0; i < p->n_class_; i++) {
        enum kind kind = strcmp(p->class_[i]->system, KINDS_SYSTEM) == 0
                             ? kind_of_chart(p->class_[i]->code)
                             : KIND_NONE;

        if (kind == KIND_NONE)
            return cannot(s, "a provision by a class that is no kind of resource here");
        /* A denial of a kind also covers uninterpreted resources, which may repeat its content,
         * for example in a claim or a contained resource. */
        *out |= KIND_BIT(kind) | KIND_BIT(KIND_OTHER);
    }
    return true;
}

static bool labels_of(struct sink *s, const Provision *p, uint32_t *out)
{
    for (size_t i = 0; i < p->n_security_label; i++) {
        uint32_t label =
            label_of_security(p->security_label[i]->system, p->security_label[i]->code);

        if (label == 0)
            return cannot(s, "a provision by an unknown security label");
        *out |= label | LABEL_UNKNOWN;
    }
    return true;
}

static bool add(struct sink *s, const struct deny *d)
{
    if (s->out->n_denies == DENIES_MAX)
        return cannot(s, "a consent with more than 256 denials");
    s->out->deny[s->out->n_denies++] = *d;
    return true;
}

static const char *role_of(const Actor *a)
{
    for (size_t i = 0; a->role != NULL && i < a->role->n_coding; i++)
        if (strcmp(a->role->coding[i]->system, ROLES) == 0)
            return a->role->coding[i]->code;
    return "";
}

static bool add_actor(struct sink *s, const Actor *a, struct deny d)
{
    const char *name = a->reference == NULL ? "" : a->reference->reference;
    const char *role = role_of(a);

    if (a->n_modifier_extension > 0 || *a->more_json != '\0')
        return cannot(s, "an actor with unknown members or modifiers");
    if (strncmp(name, PERSON, strlen(PERSON)) == 0)
        d.actor = name + strlen(PERSON);
    else if (*role != '\0' && *name == '\0')
        d.role = role;
    else
        return cannot(s, "an actor that is neither a Practitioner nor a role of " ROLES);
    if ((d.actor != NULL && (*d.actor == '\0' || strlen(d.actor) > ACTOR_MAX)) ||
        (d.role != NULL && (strlen(d.role) > ROLE_MAX || strchr(d.role, ',') != NULL)))
        return cannot(s, "an actor whose name is neither a person nor a role");
    return add(s, &d);
}

/* Adds one nested denial, limited to the outer provision's period. */
static bool nested(struct sink *s, const Provision *p, const struct deny *within)
{
    struct deny d = {0};
    bool ok = true;

    if (!denies(p) || p->n_provision > 0)
        return cannot(s, "a permission within a provision, or provisions deeper than one");
    if (!plain(s, p) || !kinds_of(s, p, &d.kinds) || !labels_of(s, p, &d.labels))
        return false;
    sink_span_widest(s, p->period, &d.from_us, &d.to_us);
    d.from_us = d.from_us < within->from_us ? within->from_us : d.from_us;
    d.to_us = d.to_us > within->to_us ? within->to_us : d.to_us;
    if (p->n_actor == 0)
        return add(s, &d);
    for (size_t i = 0; ok && i < p->n_actor; i++)
        ok = add_actor(s, p->actor[i], d);
    return ok;
}

static void provisions(struct sink *s, const Provision *p)
{
    struct deny whole = {0};
    bool ok = true;

    if (p == NULL || !plain(s, p))
        return;
    if (bounded(p)) {
        cannot(s, "an actor, a class or a security label of the outer provision");
        return;
    }
    s->out->deny = ward_alloc(s->mem, DENIES_MAX * sizeof(*s->out->deny));
    if (s->out->deny == NULL) {
        sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory for denials"));
        return;
    }
    sink_span_widest(s, p->period, &whole.from_us, &whole.to_us);
    if (denies(p) && p->n_provision > 0)
        cannot(s, "a denial with provisions within it");
    else if (denies(p))
        add(s, &whole);
    for (size_t i = 0; ok && !denies(p) && i < p->n_provision; i++)
        ok = nested(s, p->provision[i], &whole);
}

/* Whether the policy rule is OPTOUT, which denies everything if there is no provision. Source:
 * HL7 v3 ActCode, OPTOUT and its children. */
static bool opted_out(const Consent *c)
{
    for (size_t i = 0; c->policy_rule != NULL && i < c->policy_rule->n_coding; i++)
        if (strncmp(c->policy_rule->coding[i]->code, "OPTOUT", strlen("OPTOUT")) == 0)
            return true;
    return false;
}

static void active(struct sink *s, const Consent *c)
{
    if (c->n_modifier_extension > 0 || *c->implicit_rules != '\0')
        cannot(s, "a consent with unknown modifiers or rules");
    else if (c->provision == NULL && opted_out(c))
        cannot(s, "a policy rule that opts out, without a provision");
    else
        provisions(s, c->provision);
}

void index_consent(struct sink *s, const Consent *c)
{
    s->out->status = (int)c->status;
    sink_labels(s, c->meta);
    sink_identifiers(s, c->identifier, c->n_identifier);
    sink_concept(s, PARAM_CODE, c->scope);
    sink_concepts(s, PARAM_CATEGORY, c->category, c->n_category);
    sink_references(s, c->performer, c->n_performer);
    sink_references(s, c->organization, c->n_organization);
    if (c->source_case == WARD__RECORDS__V1__CONSENT__SOURCE_SOURCE_REFERENCE)
        sink_reference(s, c->source_reference);
    if (c->source_case == WARD__RECORDS__V1__CONSENT__SOURCE_SOURCE_ATTACHMENT)
        sink_attachment(s, c->source_attachment);
    sink_date(s, WARD_FHIR_DATETIME, c->date_time, false);
    if (c->provision != NULL)
        sink_period(s, c->provision->period, true);
    if (c->status == WARD__RECORDS__V1__CONSENT__STATUS__STATUS_ACTIVE)
        active(s, c);
}
