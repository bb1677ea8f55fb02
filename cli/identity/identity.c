/* wardctl identity - commands that create subjects and templates: enrol, register,
 * add-template, remove-template. */
#include "cli/identity/identity_call.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__Consent Consent;
typedef Ward__Identity__V1__EnrolRequest EnrolRequest;
typedef Ward__Identity__V1__EnrolResponse EnrolResponse;
typedef Ward__Identity__V1__RegisterSubjectRequest RegisterRequest;
typedef Ward__Identity__V1__RegisterSubjectResponse RegisterResponse;
typedef Ward__Identity__V1__AddTemplateRequest AddRequest;
typedef Ward__Identity__V1__AddTemplateResponse AddResponse;
typedef Ward__Identity__V1__RemoveTemplateRequest RemoveRequest;
typedef Ward__Identity__V1__RemoveTemplateResponse RemoveResponse;
typedef Ward__Identity__V1__Quality Quality;

#define STAFF WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF
#define PHOTO "photo-retention"

static const char *const REGISTRAR[] = {"registrar", NULL};

static void print_quality(const Quality *q)
{
    if (q != NULL)
        printf("photograph eyes %.1f px apart, detector %.2f, sharpness %.0f, turned %.0f "
               "degrees%s\n",
               q->eye_distance_px, q->detection_score, q->sharpness, q->yaw_deg,
               q->padded ? ", cropped tight" : "");
}

/* ---- enrol ---- */

struct enrolling {
    const char *photo, *consent, *text, *ref, *kind, *key, *until, *born;
    bool largest, keep_photo, attended;
    struct task_list also, galleries;
    EnrolRequest req;
    Consent main, more[TASK_LIST_MOST + 1];
    Consent *more_at[TASK_LIST_MOST + 1];
};

static void agree(const struct enrolling *e, Consent *c, const char *purpose)
{
    ward__identity__v1__consent__init(c);
    c->purpose = task_text(purpose);
    c->text_version = task_text(e->text);
    c->given_by = task_text(e->consent);
}

static void fill_consents(struct enrolling *e)
{
    EnrolRequest *req = &e->req;

    agree(e, &e->main, req->kind == STAFF ? "staff-access" : "patient-identification");
    for (size_t i = 0; i < e->also.n; i++)
        agree(e, &e->more[i], e->also.at[i]);
    req->n_more_consents = e->also.n;
    if (e->keep_photo)
        agree(e, &e->more[req->n_more_consents++], PHOTO);
    for (size_t i = 0; i < req->n_more_consents; i++)
        e->more_at[i] = &e->more[i];
    req->consent = &e->main;
    req->more_consents = e->more_at;
}

static enum ward_code fill_enrol(struct task *t, struct enrolling *e)
{
    EnrolRequest *req = &e->req;

    ward__identity__v1__enrol_request__init(req);
    if (e->consent == NULL)
        return task_wrong(t, "--consent WHO is needed: \"self\", or the relation of the "
                             "representative who consented");
    if (e->until != NULL && !task_time(e->until, &req->retain_until_us))
        return task_wrong(t, "--retain-until must be a date such as 2027-03-01");
    WARD_TRY(id_birth_year(t, e->born, &req->birth_year));
    WARD_TRY(id_kind(t, e->kind, &req->kind));
    WARD_TRY(task_key(t, e->key, &req->idempotency_key));
    fill_consents(e);
    req->external_ref = task_text(e->ref);
    req->galleries = e->galleries.at;
    req->n_galleries = e->galleries.n;
    req->largest_only = e->largest;
    req->attended = e->attended;
    return id_photo(t, e->photo, &req->photograph);
}

static void print_enrolled(const EnrolResponse *r)
{
    printf("subject    %s\n", r->subject_id);
    print_quality(r->quality);
    if (r->photograph_kept)
        printf("photograph an encrypted copy is stored\n");
    if (r->possible_duplicates > 0)
        printf("duplicates %d: a known subject looks similar; see\n           wardctl identity "
               "duplicates list\n",
               r->possible_duplicates);
    id_print_device(r->device, r->degraded);
    printf("event      %s\n", r->event_id);
}

static enum ward_code enrol(struct task *t, int argc, char **argv)
{
    struct enrolling e = {.text = ID_CONSENT_NOW, .kind = "patient"};
    const struct cli_opt opts[] = {
        {"--photo", &e.photo, NULL, "JPEG or PNG"},
        {"--consent", &e.consent, NULL,
         "self, or the relation of the representative who consented"},
        {"--consent-text", &e.text, NULL, "version of the consent text"},
        {"--ref", &e.ref, NULL, "your own name for the subject"},
        {"--kind", &e.kind, NULL, "patient or staff"},
        {"--key", &e.key, NULL, "idempotency key"},
        {"--retain-until", &e.until, NULL, "date on which the face is destroyed"},
        {"--birth-year", &e.born, NULL,
         "year of birth, needed for patients; faces of children are not enrolled"},
        {"--largest", NULL, &e.largest, "use the largest of several faces"},
        {"--attended", NULL, &e.attended,
         "confirm that you see the person in front of the camera"},
        {"--keep-photo", NULL, &e.keep_photo, "store an encrypted copy, with consent"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(task_list(t, "--also-consent", ',', &argc, argv, &e.also));
    WARD_TRY(task_list(t, "--gallery", ',', &argc, argv, &e.galleries));
    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    WARD_TRY(fill_enrol(t, &e));
    WARD_TRY(task_ask(t, IDENTITY_PATH("Enrol"), REGISTRAR, &e.req.base,
                      &ward__identity__v1__enrol_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_enrolled((const EnrolResponse *)msg);
    return WARD_OK;
}

/* ---- register ---- */

static enum ward_code register_one(struct task *t, int argc, char **argv)
{
    RegisterRequest req = WARD__IDENTITY__V1__REGISTER_SUBJECT_REQUEST__INIT;
    const char *ref = NULL, *kind = "patient", *key = NULL, *born = NULL;
    const struct cli_opt opts[] = {
        {"--ref", &ref, NULL, "your own name for the subject"},
        {"--kind", &kind, NULL, "patient or staff"},
        {"--key", &key, NULL, "idempotency key"},
        {"--birth-year", &born, NULL, "faces of children are not enrolled"},
        {0},
    };
    const RegisterResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    WARD_TRY(id_birth_year(t, born, &req.birth_year));
    WARD_TRY(id_kind(t, kind, &req.kind));
    WARD_TRY(task_key(t, key, &req.idempotency_key));
    req.external_ref = task_text(ref);
    WARD_TRY(task_ask(t, IDENTITY_PATH("RegisterSubject"), REGISTRAR, &req.base,
                      &ward__identity__v1__register_subject_response__descriptor, &msg));
    resp = (const RegisterResponse *)msg;
    if (!task_json(t, msg))
        printf("subject    %s\nno face is stored; assign a wristband with: wardctl identity "
               "identifiers\nevent      %s\n",
               resp->subject_id, resp->event_id);
    return WARD_OK;
}

/* ---- templates ---- */

struct adding {
    AddRequest req;
    struct task_list photos;
    const char *key;
};

static void print_added(const AddResponse *resp)
{
    printf("template   %s\n", resp->template_id);
    print_quality(resp->quality);
    if (resp->score != 0)
        printf("score      at least %.3f with the subject's other templates\n", resp->score);
    printf("event      %s\n", resp->event_id);
}

static enum ward_code add_one(struct task *t, struct adding *a, size_t i,
                              ProtobufCMessage **out)
{
    const char *key = a->key;

    if (key != NULL && a->photos.n > 1)
        key = ward_printf(&t->mem, "%s-%zu", a->key, i + 1);
    WARD_TRY(task_key(t, key, &a->req.idempotency_key));
    WARD_TRY(id_photo(t, a->photos.at[i], &a->req.photograph));
    return task_ask(t, IDENTITY_PATH("AddTemplate"), REGISTRAR, &a->req.base,
                    &ward__identity__v1__add_template_response__descriptor, out);
}

static void json_each(const struct adding *a, const struct ward_err *why,
                      ProtobufCMessage *const *msg)
{
    struct cli_json j = {.to = stdout};

    cli_json_open(&j, NULL, '{');
    cli_json_open(&j, "added", '[');
    for (size_t i = 0; i < a->photos.n; i++)
        if (msg[i] != NULL)
            cli_json_text(&j, NULL, ((const AddResponse *)msg[i])->template_id);
    cli_json_close(&j, ']');
    cli_json_open(&j, "refused", '[');
    for (size_t i = 0; i < a->photos.n; i++) {
        if (msg[i] != NULL)
            continue;
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "photo", a->photos.at[i]);
        cli_json_text(&j, "reason", why[i].reason);
        cli_json_text(&j, "message", why[i].msg);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

/* Adds each photograph. A rejected photograph does not stop the others. Fails only if no
 * template was added. */
static enum ward_code add_each(struct task *t, struct adding *a)
{
    ProtobufCMessage *msg[TASK_LIST_MOST] = {NULL};
    struct ward_err why[TASK_LIST_MOST];
    enum ward_code last = WARD_OK;
    size_t added = 0;

    for (size_t i = 0; i < a->photos.n; i++) {
        enum ward_code code = add_one(t, a, i, &msg[i]);

        why[i] = t->err;
        if (code != WARD_OK && code != WARD_FAILED_PRECONDITION)
            return code;
        if (code == WARD_OK)
            added++;
        else
            last = code, msg[i] = NULL;
    }
    if (added == 0)
        return last;
    if (t->cli->json)
        json_each(a, why, msg);
    for (size_t i = 0; !t->cli->json && i < a->photos.n; i++)
        if (msg[i] != NULL)
            print_added((const AddResponse *)msg[i]);
        else
            printf("not added  %s: %s\n", a->photos.at[i], why[i].msg);
    return WARD_OK;
}

static enum ward_code add_single(struct task *t, struct adding *a)
{
    ProtobufCMessage *msg;

    WARD_TRY(add_one(t, a, 0, &msg));
    if (!task_json(t, msg))
        print_added((const AddResponse *)msg);
    return WARD_OK;
}

static enum ward_code add_template(struct task *t, int argc, char **argv)
{
    struct adding a = {.req = WARD__IDENTITY__V1__ADD_TEMPLATE_REQUEST__INIT};
    bool largest = false, attended = false;
    const struct cli_opt opts[] = {
        {"--key", &a.key, NULL, "idempotency key"},
        {"--largest", NULL, &largest, "use the largest of several faces"},
        {"--attended", NULL, &attended,
         "confirm that you see the person in front of the camera"},
        {0},
    };

    WARD_TRY(task_list(t, "--photo", '\n', &argc, argv, &a.photos));
    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2)
        return task_wrong(t, "SUBJECT is needed");
    if (a.photos.n == 0)
        return task_wrong(t, "--photo FILE is needed");
    a.req.subject_id = argv[1];
    a.req.largest_only = largest;
    a.req.attended = attended;
    return a.photos.n == 1 ? add_single(t, &a) : add_each(t, &a);
}

static enum ward_code remove_template(struct task *t, int argc, char **argv)
{
    RemoveRequest req = WARD__IDENTITY__V1__REMOVE_TEMPLATE_REQUEST__INIT;
    const struct cli_opt none[] = {{0}};
    const RemoveResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(none, &argc, argv, 2, &t->err));
    if (argc != 3)
        return task_wrong(
            t, "SUBJECT and TEMPLATE are needed; wardctl identity subject lists them");
    req.subject_id = argv[1];
    req.template_id = argv[2];
    WARD_TRY(task_ask(t, IDENTITY_PATH("RemoveTemplate"), REGISTRAR, &req.base,
                      &ward__identity__v1__remove_template_response__descriptor, &msg));
    resp = (const RemoveResponse *)msg;
    if (!task_json(t, msg))
        printf("%s\nevent      %s\n",
               resp->removed ? "template removed" : "the subject had no such template",
               resp->event_id);
    return WARD_OK;
}

ID_COMMAND(enrol)
ID_COMMAND(register_one)
ID_COMMAND(add_template)
ID_COMMAND(remove_template)

const struct cli_command cli_identity_commands[] = {
    {"identity enrol",
     "--photo FILE --consent WHO [--consent-text VERSION] [--also-consent PURPOSE,...]\n"
     "      [--kind patient|staff] [--ref NAME] [--gallery NAME,...] [--retain-until DATE]\n"
     "      [--birth-year YEAR] [--attended] [--keep-photo] [--largest] [--key KEY]",
     "enrol a person from one photograph, with consent; a patient needs --birth-year",
     enrol_command},
    {"identity register", "[--kind patient|staff] [--ref NAME] [--birth-year YEAR] [--key KEY]",
     "register a person without a face, for verification by wristband", register_one_command},
    {"identity add-template",
     "SUBJECT --photo FILE [--photo FILE]... [--largest] [--attended] [--key KEY]",
     "add photographs of a subject: frames of a film, with glasses, with a beard, on another "
     "day",
     add_template_command},
    {"identity remove-template", "SUBJECT TEMPLATE", "remove a template",
     remove_template_command},
    {0},
};
