/* The list of exported fields, and their treatment. */
#include "services/records/exchange/deid.h"

#include <string.h>

/* Names of fields, separated by spaces. drop "*": all other fields. The fields extension,
 * modifier_extension and more_json are not listed, because they are never exported. */
struct listed {
    const char *type;
    const char *keep, *shift, *text, *drop;
};

#define OF_ALL "meta implicit_rules language text identifier"

static const struct listed list[] = {
    /* ---- data types ---- */
    {"Decimal", .text = "value"},
    {"Coding", .text = "system code", .drop = "version display user_selected"},
    {"CodeableConcept", .keep = "coding", .drop = "text"},
    {"Quantity", .keep = "value", .text = "comparator system code", .drop = "unit"},
    {"Range", .keep = "low high"},
    {"Ratio", .keep = "numerator denominator"},
    {"Period", .shift = "start end"},
    {"Reference", .text = "reference", .drop = "type identifier display"},
    {"Address", .text = "state",
     .drop = "use type text line city district postal_code country"
             " period"},
    /* 45 CFR 164.514(b)(2)(i)(A) names, (D)-(M) numbers and addresses, (P) biometric, (Q)
     * faces, (R) any other identifying element; and free text, which may contain any of
     * them. */
    {"Extension", .drop = "*"},
    {"Meta", .drop = "*"},
    {"Narrative", .drop = "*"},
    {"SampledData", .drop = "*"},
    {"Identifier", .drop = "*"},
    {"HumanName", .drop = "*"},
    {"ContactPoint", .drop = "*"},
    {"Annotation", .drop = "*"},
    {"Attachment", .drop = "*"},

    /* ---- resources ---- */
    {"Patient", .keep = "gender deceased_boolean address marital_status",
     .shift = "deceased_date_time", .text = "id birth_date",
     .drop = OF_ALL " active name telecom multiple_birth_boolean multiple_birth_integer photo"
                    " contact communication general_practitioner managing_organization link"},
    {"Patient.Contact", .drop = "*"},
    {"Patient.Communication", .drop = "*"},
    {"Patient.Link", .drop = "*"},

    {"Encounter",
     .keep = "status status_history class class_history type service_type priority subject"
             " period length reason_code reason_reference diagnosis hospitalization part_of",
     .text = "id",
     .drop = OF_ALL " episode_of_care based_on participant appointment account location"
                    " service_provider"},
    {"Encounter.StatusHistory", .keep = "status period"},
    {"Encounter.ClassHistory", .keep = "class period"},
    {"Encounter.Participant", .drop = "*"},
    {"Encounter.Diagnosis", .keep = "condition use rank"},
    {"Encounter.Hospitalization", .keep = "admit_source re_admission discharge_disposition",
     .drop = "pre_admission_identifier origin diet_preference special_courtesy"
             " special_arrangement destination"},
    {"Encounter.Location", .drop = "*"},

    {"Observation",
     .keep = "status category code subject encounter effective_period value_quantity"
             " value_codeable_concept value_boolean value_integer value_range value_ratio"
             " value_period data_absent_reason interpretation body_site method reference_range"
             " has_member derived_from component",
     .shift = "effective_date_time effective_instant issued value_date_time", .text = "id",
     .drop = OF_ALL " based_on part_of focus performer value_string value_sampled_data"
                    " value_time note specimen device"},
    {"Observation.ReferenceRange", .keep = "low high type applies_to age", .drop = "text"},
    {"Observation.Component",
     .keep = "code value_quantity value_codeable_concept value_boolean value_integer"
             " value_range value_ratio value_period data_absent_reason interpretation"
             " reference_range",
     .shift = "value_date_time", .drop = "value_string value_sampled_data value_time"},

    {"Condition",
     .keep = "clinical_status verification_status category severity code body_site subject"
             " encounter onset_age onset_period onset_range abatement_age abatement_period"
             " abatement_range stage evidence",
     .shift = "onset_date_time abatement_date_time recorded_date", .text = "id",
     .drop = OF_ALL " onset_string abatement_string recorder asserter note"},
    {"Condition.Stage", .keep = "summary type", .drop = "assessment"},
    {"Condition.Evidence", .keep = "code", .drop = "detail"},

    {"AllergyIntolerance",
     .keep = "clinical_status verification_status type category criticality code patient"
             " encounter onset_age onset_period onset_range reaction",
     .shift = "onset_date_time recorded_date last_occurrence", .text = "id",
     .drop = OF_ALL " onset_string recorder asserter note"},
    {"AllergyIntolerance.Reaction", .keep = "substance manifestation severity exposure_route",
     .shift = "onset", .drop = "description note"},

    {"DocumentReference", .keep = "status doc_status type category subject context",
     .shift = "date", .text = "id",
     .drop = OF_ALL " master_identifier author authenticator custodian relates_to description"
                    " security_label content"},
    {"DocumentReference.RelatesTo", .drop = "*"},
    {"DocumentReference.Content", .drop = "*"},
    {"DocumentReference.Context", .keep = "encounter event period",
     .drop = "facility_type practice_setting source_patient_info related"},

    {"DiagnosticReport",
     .keep = "status category code subject encounter effective_period result conclusion_code",
     .shift = "effective_date_time issued", .text = "id",
     .drop = OF_ALL " based_on performer results_interpreter specimen imaging_study media"
                    " conclusion presented_form"},
    {"DiagnosticReport.Media", .drop = "*"},

    {"MedicationStatement",
     .keep = "status status_reason category medication_codeable_concept subject context"
             " effective_period reason_code dosage",
     .shift = "effective_date_time date_asserted", .text = "id",
     .drop = OF_ALL " based_on part_of medication_reference information_source derived_from"
                    " reason_reference note"},
    {"MedicationStatement.Dosage",
     .keep = "additional_instruction site route method dose_and_rate",
     .drop = "text patient_instruction"},
    {"MedicationStatement.DoseAndRate", .keep = "type dose_range dose_quantity"},

    {"Timing", .keep = "repeat code", .shift = "event"},
    {"Timing.Repeat",
     .keep = "bounds_duration bounds_range bounds_period count count_max duration duration_max"
             " duration_unit frequency frequency_max period period_max period_unit day_of_week"
             " offset",
     .drop = "time_of_day when"},
    {"Dosage",
     .keep = "sequence additional_instruction timing as_needed_boolean"
             " as_needed_codeable_concept site route method dose_and_rate max_dose_per_period"
             " max_dose_per_administration max_dose_per_lifetime",
     .drop = "text patient_instruction"},
    {"Dosage.DoseAndRate",
     .keep = "type dose_range dose_quantity rate_ratio rate_range rate_quantity"},
    {"MedicationRequest",
     .keep = "status status_reason intent category priority do_not_perform reported_boolean"
             " medication_codeable_concept subject encounter reason_code course_of_therapy_type"
             " dosage_instruction",
     .shift = "authored_on", .text = "id",
     .drop = OF_ALL " reported_reference medication_reference supporting_information requester"
                    " performer performer_type recorder reason_reference"
                    " instantiates_canonical instantiates_uri based_on group_identifier"
                    " insurance note dispense_request substitution prior_prescription"
                    " detected_issue event_history"},
    {"MedicationRequest.InitialFill", .drop = "*"},
    {"MedicationRequest.DispenseRequest", .drop = "*"},
    {"MedicationRequest.Substitution", .drop = "*"},

    {"Procedure",
     .keep = "status status_reason category code subject encounter performed_period"
             " performed_age performed_range reason_code body_site outcome complication"
             " follow_up used_code",
     .shift = "performed_date_time", .text = "id",
     .drop = OF_ALL " instantiates_canonical instantiates_uri based_on part_of"
                    " performed_string recorder asserter performer location reason_reference"
                    " report complication_detail note focal_device used_reference"},
    {"Procedure.Performer", .drop = "*"},
    {"Procedure.FocalDevice", .drop = "*"},

    /* A lot number may reveal place and time, and is an identifying number of (M). */
    {"Immunization",
     .keep = "status status_reason vaccine_code patient encounter primary_source report_origin"
             " site route dose_quantity reason_code is_subpotent subpotent_reason reaction"
             " protocol_applied",
     .shift = "occurrence_date_time recorded", .text = "id",
     .drop = OF_ALL " occurrence_string location manufacturer lot_number expiration_date"
                    " performer note reason_reference education program_eligibility"
                    " funding_source"},
    {"Immunization.Performer", .drop = "*"},
    {"Immunization.Education", .drop = "*"},
    {"Immunization.Reaction", .keep = "reported", .shift = "date", .drop = "detail"},
    {"Immunization.ProtocolApplied",
     .keep = "target_disease dose_number_positive_int series_doses_positive_int",
     .drop = "series authority dose_number_string series_doses_string"},

    {"ServiceRequest",
     .keep = "status intent category priority do_not_perform code order_detail"
             " quantity_quantity quantity_ratio quantity_range subject encounter"
             " occurrence_period occurrence_timing as_needed_boolean"
             " as_needed_codeable_concept reason_code body_site",
     .shift = "occurrence_date_time authored_on", .text = "id",
     .drop = OF_ALL " instantiates_canonical instantiates_uri based_on replaces requisition"
                    " requester performer_type performer location_code location_reference"
                    " reason_reference insurance supporting_info specimen note"
                    " patient_instruction relevant_history"},

    {"Other", .drop = "*"}, /* the meaning of an Other's content is unknown */

    /* Resources without a patient are not exported. */
    {"Practitioner", .drop = "*"},
    {"Practitioner.Qualification", .drop = "*"},
    {"Organization", .drop = "*"},
    {"Organization.Contact", .drop = "*"},
    {"Location", .drop = "*"},
    {"Location.Position", .drop = "*"},
    {"Location.HoursOfOperation", .drop = "*"},

    {"Consent", .keep = "status scope category patient", .shift = "date_time", .text = "id",
     .drop = OF_ALL " performer organization source_attachment source_reference policy"
                    " policy_rule verification provision"},
    {"Consent.Policy", .drop = "*"},
    {"Consent.Verification", .drop = "*"},
    {"Consent.Actor", .drop = "*"},
    {"Consent.Data", .drop = "*"},
    {"Consent.Provision", .drop = "*"},
};

static bool names(const char *fields, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = fields; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, " ");

        if (len == n && memcmp(at, name, n) == 0)
            return true;
        at += len;
        at += strspn(at, " ");
    }
    return false;
}

static const struct listed *find(const ProtobufCMessageDescriptor *type)
{
    const char *name = type->name + strlen(type->package_name) + 1;

    for (size_t i = 0; i < WARD_COUNT(list); i++)
        if (strcmp(list[i].type, name) == 0)
            return &list[i];
    return NULL;
}

enum deid_how deid_how(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field)
{
    const struct listed *l = find(type);

    if (l == NULL)
        return DEID_UNDECIDED;
    if (names("extension modifier_extension more_json", field->name))
        return DEID_DROP;
    if (names(l->keep, field->name))
        return DEID_KEEP;
    if (names(l->shift, field->name))
        return DEID_SHIFT;
    if (names(l->text, field->name))
        return DEID_TEXT;
    if (names(l->drop, field->name) || (l->drop != NULL && strcmp(l->drop, "*") == 0))
        return DEID_DROP;
    return DEID_UNDECIDED;
}
