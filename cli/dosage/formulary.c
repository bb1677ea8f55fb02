/* wardctl formulary - commands for rule sets and drugs, and for running dosage, one row for
 * each method. */
#include "cli/call/method.h"

#include "ward/dosage/v1/admin.pb-c.h"
#include "ward/dosage/v1/formulary.pb-c.h"

#include <string.h>

#define FILE_MOST ((size_t)8 << 20)

static const char *const ADMIN[] = {"dosage-admin", NULL};
static const char *const OFFICER[] = {"privacy-officer", NULL};
static const char *const PHARMACIST[] = {"pharmacist", NULL};

/* Merges a file's message into the previous messages: lists are appended, texts are
 * replaced. */
static enum ward_code merge(struct task *t, ProtobufCMessage *to, const ProtobufCMessage *from)
{
    for (unsigned i = 0; i < to->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &to->descriptor->fields[i];
        size_t *n = (size_t *)((char *)to + f->quantifier_offset);
        const size_t *more = (const size_t *)((const char *)from + f->quantifier_offset);
        void ***list = (void ***)((char *)to + f->offset);
        void *const *const *those = (void *const *const *)((const char *)from + f->offset);
        void **both;

        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            const char *text = *(char *const *)those;

            if (f->type == PROTOBUF_C_TYPE_STRING && *text != '\0')
                *(const char **)list = text;
            continue;
        }
        if (*more == 0)
            continue;
        both = ward_alloc(&t->mem, (*n + *more) * sizeof(void *));
        if (both == NULL)
            return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the rule set");
        if (*n > 0)
            memcpy(both, *list, *n * sizeof(void *));
        memcpy(both + *n, *those, *more * sizeof(void *));
        *list = both;
        *n += *more;
    }
    return WARD_OK;
}

static enum ward_code merge_files(struct task *t, ProtobufCMessage *msg, int n, char **words)
{
    Ward__Dosage__V1__DraftRuleSetRequest *req = (Ward__Dosage__V1__DraftRuleSetRequest *)msg;
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "rule_set");
    Ward__Dosage__V1__RuleSet *set = ward_new(&t->mem, Ward__Dosage__V1__RuleSet);

    if (n == 0 || set == NULL)
        return task_wrong(t, "one or more JSON files with a rule set are needed");
    ward__dosage__v1__rule_set__init(set);
    for (int i = 0; i < n; i++) {
        char *json;
        size_t len;

        WARD_TRY(cli_read(words[i], FILE_MOST, &t->mem, &json, &len, &t->err));
        req->rule_set = NULL;
        WARD_TRY(message_set(msg, f, json, &t->mem, &t->err));
        WARD_TRY(merge(t, &set->base, &req->rule_set->base));
    }
    req->rule_set = set;
    return WARD_OK;
}

METHOD_COMMAND(draft, .path = "/ward.dosage.v1.Formulary/DraftRuleSet",
               .req = &ward__dosage__v1__draft_rule_set_request__descriptor,
               .resp = &ward__dosage__v1__draft_rule_set_response__descriptor,
               .roles = PHARMACIST, .purpose = "HOPERAT", .rest = merge_files)
METHOD_COMMAND(get_rule_set, .path = "/ward.dosage.v1.Formulary/GetRuleSet",
               .req = &ward__dosage__v1__get_rule_set_request__descriptor,
               .resp = &ward__dosage__v1__get_rule_set_response__descriptor,
               .roles = PHARMACIST, .purpose = "HOPERAT", .words = {"version"})
METHOD_COMMAND(list_rule_sets, .path = "/ward.dosage.v1.Formulary/ListRuleSets",
               .req = &ward__dosage__v1__list_rule_sets_request__descriptor,
               .resp = &ward__dosage__v1__list_rule_sets_response__descriptor,
               .roles = PHARMACIST, .purpose = "HOPERAT")
METHOD_COMMAND(replay, .path = "/ward.dosage.v1.Formulary/Replay",
               .req = &ward__dosage__v1__replay_request__descriptor,
               .resp = &ward__dosage__v1__replay_response__descriptor, .roles = PHARMACIST,
               .purpose = "HOPERAT", .words = {"version"}, .stream = true)
METHOD_COMMAND(approve, .path = "/ward.dosage.v1.Formulary/ApproveRuleSet",
               .req = &ward__dosage__v1__approve_rule_set_request__descriptor,
               .resp = &ward__dosage__v1__approve_rule_set_response__descriptor,
               .roles = PHARMACIST, .purpose = "HOPERAT", .words = {"version", "sha256"})
METHOD_COMMAND(activate, .path = "/ward.dosage.v1.Formulary/ActivateRuleSet",
               .req = &ward__dosage__v1__activate_rule_set_request__descriptor,
               .resp = &ward__dosage__v1__activate_rule_set_response__descriptor,
               .roles = PHARMACIST, .purpose = "HOPERAT", .words = {"version"})
METHOD_COMMAND(find_drugs, .path = "/ward.dosage.v1.Formulary/FindDrugs",
               .req = &ward__dosage__v1__find_drugs_request__descriptor,
               .resp = &ward__dosage__v1__find_drugs_response__descriptor, .roles = PHARMACIST,
               .purpose = "TREAT", .words = {"query"})
METHOD_COMMAND(set_ward, .path = "/ward.dosage.v1.DosageAdmin/SetWard",
               .req = &ward__dosage__v1__set_ward_request__descriptor,
               .resp = &ward__dosage__v1__set_ward_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .file = "ward")
METHOD_COMMAND(list_wards, .path = "/ward.dosage.v1.DosageAdmin/ListWards",
               .req = &ward__dosage__v1__list_wards_request__descriptor,
               .resp = &ward__dosage__v1__list_wards_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT")
METHOD_COMMAND(get_burden, .path = "/ward.dosage.v1.DosageAdmin/GetBurden",
               .req = &ward__dosage__v1__get_burden_request__descriptor,
               .resp = &ward__dosage__v1__get_burden_response__descriptor, .roles = PHARMACIST,
               .purpose = "HOPERAT")
METHOD_COMMAND(get_status, .path = "/ward.dosage.v1.DosageAdmin/GetStatus",
               .req = &ward__dosage__v1__get_status_request__descriptor,
               .resp = &ward__dosage__v1__get_status_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT")
METHOD_COMMAND(rotate_keys, .path = "/ward.dosage.v1.DosageAdmin/RotateKeys",
               .req = &ward__dosage__v1__rotate_keys_request__descriptor,
               .resp = &ward__dosage__v1__rotate_keys_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .stream = true)
METHOD_COMMAND(erase_patient, .path = "/ward.dosage.v1.DosageAdmin/ErasePatient",
               .req = &ward__dosage__v1__erase_patient_request__descriptor,
               .resp = &ward__dosage__v1__erase_patient_response__descriptor, .roles = OFFICER,
               .purpose = "HOPERAT", .words = {"patient_id", "reason_code"})

const struct cli_command cli_formulary_commands[] = {
    {"formulary draft", "[--key KEY] FILE.json...",
     "store a new rule set as a draft, from one or more files", draft},
    {"formulary show", "VERSION", "print a rule set; VERSION 0 is the active set",
     get_rule_set},
    {"formulary list", "", "list the rule sets, newest first", list_rule_sets},
    {"formulary replay", "[--from-us US --to-us US] [--most N] VERSION",
     "repeat past checks with a rule set and show the differences", replay},
    {"formulary approve", "--approve true [--key KEY] VERSION SHA256",
     "approve a rule set, as a second pharmacist (--token FILE)", approve},
    {"formulary activate", "[--key KEY] VERSION", "activate a rule set", activate},
    {"formulary find", "NAME|CODE|BARCODE", "find drugs in the active rule set", find_drugs},
    {"dosage set-ward", "[--key KEY] FILE.json", "set a ward's time zone and on-time window",
     set_ward},
    {"dosage wards", "", "list the wards with their time zones and on-time windows",
     list_wards},
    {"dosage burden", "[--days N]", "count findings and overrides for each rule", get_burden},
    {"dosage status", "", "print counts, keys and the state of the feed", get_status},
    {"dosage rotate-keys", "", "rotate the KEKs and wrap every patient's key again",
     rotate_keys},
    {"dosage erase-patient", "[--key KEY] PATIENT REASON",
     "erase a patient by destroying the patient's key", erase_patient},
    {0},
};
