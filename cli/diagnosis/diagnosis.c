/* wardctl diagnosis - commands that run models on films or values, and commands for clinicians'
 * reviews. */
#include "cli/call/method.h"

#include "ward/diagnosis/v1/diagnosis.pb-c.h"

#include <string.h>

#define FILM_MOST ((size_t)32 << 20)

typedef Ward__Diagnosis__V1__InferRequest InferRequest;

static const char *const PHYSICIAN[] = {"physician", NULL};

/* Reads the file in the last argument: values if its name ends in .json, otherwise a film. */
static enum ward_code input(struct task *t, ProtobufCMessage *req, int n, char **words)
{
    InferRequest *q = (InferRequest *)req;
    size_t len = n == 1 ? strlen(words[0]) : 0, size;
    char *bytes;

    if (n != 1)
        return task_wrong(
            t, "one film (JPEG, PNG or DICOM) or one file with features (.json) is needed");
    WARD_TRY(cli_read(words[0], FILM_MOST, &t->mem, &bytes, &size, &t->err));
    if (len > 5 && strcmp(words[0] + len - 5, ".json") == 0)
        return message_set(req,
                           protobuf_c_message_descriptor_get_field_by_name(
                               &ward__diagnosis__v1__infer_request__descriptor, "features"),
                           bytes, &t->mem, &t->err);
    q->input_case = WARD__DIAGNOSIS__V1__INFER_REQUEST__INPUT_IMAGE;
    q->image = (ProtobufCBinaryData){size, (uint8_t *)bytes};
    return WARD_OK;
}

METHOD_COMMAND(infer, .path = "/ward.diagnosis.v1.Diagnosis/Infer",
               .req = &ward__diagnosis__v1__infer_request__descriptor,
               .resp = &ward__diagnosis__v1__infer_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"patient_id", "model"}, .rest = input)
METHOD_COMMAND(confirm, .path = "/ward.diagnosis.v1.Diagnosis/Confirm",
               .req = &ward__diagnosis__v1__confirm_request__descriptor,
               .resp = &ward__diagnosis__v1__confirm_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"report_id", "expected_version"})
METHOD_COMMAND(amend, .path = "/ward.diagnosis.v1.Diagnosis/Amend",
               .req = &ward__diagnosis__v1__amend_request__descriptor,
               .resp = &ward__diagnosis__v1__amend_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"report_id", "expected_version", "conclusion"})
METHOD_COMMAND(reject, .path = "/ward.diagnosis.v1.Diagnosis/Reject",
               .req = &ward__diagnosis__v1__reject_request__descriptor,
               .resp = &ward__diagnosis__v1__reject_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"report_id", "expected_version", "reason"})
static const char *const ADMIN[] = {"model-admin", NULL};

METHOD_COMMAND(load, .path = "/ward.diagnosis.v1.Diagnosis/LoadModel",
               .req = &ward__diagnosis__v1__load_model_request__descriptor,
               .resp = &ward__diagnosis__v1__load_model_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .words = {"model", "version"})
METHOD_COMMAND(unload, .path = "/ward.diagnosis.v1.Diagnosis/UnloadModel",
               .req = &ward__diagnosis__v1__unload_model_request__descriptor,
               .resp = &ward__diagnosis__v1__unload_model_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .words = {"model", "version"})
METHOD_COMMAND(promote, .path = "/ward.diagnosis.v1.Diagnosis/PromoteModel",
               .req = &ward__diagnosis__v1__promote_model_request__descriptor,
               .resp = &ward__diagnosis__v1__promote_model_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .words = {"model", "version", "expected_active"})
METHOD_COMMAND(roll_back, .path = "/ward.diagnosis.v1.Diagnosis/RollBackModel",
               .req = &ward__diagnosis__v1__roll_back_model_request__descriptor,
               .resp = &ward__diagnosis__v1__roll_back_model_response__descriptor,
               .roles = ADMIN, .purpose = "HOPERAT", .words = {"model", "expected_active"})
METHOD_COMMAND(models, .path = "/ward.diagnosis.v1.Diagnosis/ListModels",
               .req = &ward__diagnosis__v1__list_models_request__descriptor,
               .resp = &ward__diagnosis__v1__list_models_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT")

const struct cli_command cli_diagnosis_commands[] = {
    {"diagnosis models", "",
     "list the models, their state, and how clinicians reviewed their answers", models},
    {"diagnosis infer",
     "[--ward W] [--encounter-id E] [--key KEY] PATIENT MODEL FILM|FILE.json",
     "run a model on a film (JPEG, PNG, DICOM) or on values, and store a preliminary report",
     infer},
    {"diagnosis confirm", "[--ward W] [--key KEY] REPORT VERSION", "confirm a report", confirm},
    {"diagnosis amend", "[--ward W] [--present true] [--key KEY] REPORT VERSION CONCLUSION",
     "replace a report's conclusion with your own", amend},
    {"diagnosis reject", "[--ward W] [--key KEY] REPORT VERSION REASON", "reject a report",
     reject},
    {"diagnosis load", "[--shadow true] [--key KEY] MODEL VERSION",
     "load a version beside the active version; --shadow compares the answers of both versions",
     load},
    {"diagnosis unload", "[--key KEY] MODEL VERSION", "unload a version", unload},
    {"diagnosis promote", "[--override-reason TEXT] [--key KEY] MODEL VERSION ACTIVE",
     "make a loaded version the active one", promote},
    {"diagnosis roll-back", "[--key KEY] MODEL ACTIVE",
     "make the previously active version active again", roll_back},
    {0},
};
