/* wardctl identity - commands for a subject's data and consents: subject, identifiers, consent,
 * withdraw, retain, erase. */
#include "cli/identity/identity_call.h"

#include "common/base/clock.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__GetSubjectRequest GetSubjectRequest;
typedef Ward__Identity__V1__GetSubjectResponse GetSubjectResponse;
typedef Ward__Identity__V1__SetBirthYearRequest BornRequest;
typedef Ward__Identity__V1__SetBirthYearResponse BornResponse;
typedef Ward__Identity__V1__SetIdentifiersRequest IdentifiersRequest;
typedef Ward__Identity__V1__SetIdentifiersResponse IdentifiersResponse;
typedef Ward__Identity__V1__GiveConsentRequest ConsentRequest;
typedef Ward__Identity__V1__GiveConsentResponse ConsentResponse;
typedef Ward__Identity__V1__WithdrawConsentRequest WithdrawRequest;
typedef Ward__Identity__V1__WithdrawConsentResponse WithdrawResponse;
typedef Ward__Identity__V1__SetRetentionRequest RetentionRequest;
typedef Ward__Identity__V1__SetRetentionResponse RetentionResponse;
typedef Ward__Identity__V1__EraseSubjectRequest EraseRequest;
typedef Ward__Identity__V1__EraseSubjectResponse EraseResponse;

static const char *const REGISTRAR[] = {"registrar", NULL};
static const char *const PRIVACY[] = {"privacy-officer", NULL};

static const struct cli_opt NO_OPTIONS[] = {{0}};

static enum ward_code which(struct task *t, int argc)
{
    return argc == 2 ? WARD_OK : task_wrong(t, "SUBJECT is needed");
}

/* ---- subject ---- */

static void print_ledger(struct task *t, const GetSubjectResponse *s)
{
    for (size_t i = 0; i < s->n_ledger; i++) {
        const Ward__Identity__V1__ConsentEntry *e = s->ledger[i];
        char at[28];

        if (e->consent == NULL)
            continue;
        ward_rfc3339(e->given_at_us, at);
        printf("consent    %s, text %s, by %s; %.19sZ, written by %s\n", e->consent->purpose,
               e->consent->text_version,
               *e->consent->given_by == '\0' ? "(erased)" : task_shown(t, e->consent->given_by),
               at, task_shown(t, e->recorded_by));
        if (e->withdrawn_at_us == 0)
            continue;
        ward_rfc3339(e->withdrawn_at_us, at);
        printf("             withdrawn %.19sZ, written by %s\n", at,
               task_shown(t, e->withdrawn_by));
    }
}

static void print_face(const GetSubjectResponse *s)
{
    char at[28];

    for (size_t i = 0; i < s->n_templates; i++) {
        const Ward__Identity__V1__Template *k = s->templates[i];

        ward_rfc3339(k->created_at_us, at);
        printf("template   %s  %.19sZ, eyes %.1f px apart, model %.12s, generation %d\n",
               k->template_id, at, k->eye_distance_px, k->model_sha256, k->generation);
    }
    if (s->n_templates == 0)
        printf("templates  none\n");
    if (s->photograph_kept)
        printf("photograph an encrypted copy is stored\n");
    for (size_t i = 0; i < s->n_galleries; i++)
        printf("gallery    %s\n", s->galleries[i]);
    task_print_time("keep until", s->retain_until_us);
}

static void print_subject(struct task *t, const GetSubjectResponse *s)
{
    printf("subject    %s\n", s->subject_id);
    printf("kind       %s\n",
           message_enum(&ward__identity__v1__subject_kind__descriptor, (int)s->kind));
    if (*s->external_ref != '\0')
        printf("ref        %s\n", s->external_ref);
    if (s->birth_year != 0)
        printf("born       %d\n", s->birth_year);
    task_print_time("enrolled", s->enrolled_at_us);
    task_print_time("withdrawn", s->withdrawn_at_us);
    print_ledger(t, s);
    print_face(s);
    if (s->has_wristband)
        printf("wristband  set\n");
    for (size_t i = 0; i < s->n_second_types; i++)
        printf("second     %s\n", s->second_types[i]);
    if (s->key_destroyed_at_us != 0)
        task_print_time("key gone", s->key_destroyed_at_us);
    if (*s->key_sha256 != '\0')
        printf("key        sha256 %s\n", s->key_sha256);
}

static enum ward_code subject(struct task *t, int argc, char **argv)
{
    GetSubjectRequest req = WARD__IDENTITY__V1__GET_SUBJECT_REQUEST__INIT;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 1, &t->err));
    WARD_TRY(which(t, argc));
    req.subject_id = argv[1];
    WARD_TRY(task_ask(t, IDENTITY_PATH("GetSubject"), REGISTRAR, &req.base,
                      &ward__identity__v1__get_subject_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_subject(t, (const GetSubjectResponse *)msg);
    return WARD_OK;
}

/* ---- birth-year ---- */

static enum ward_code birth_year(struct task *t, int argc, char **argv)
{
    BornRequest req = WARD__IDENTITY__V1__SET_BIRTH_YEAR_REQUEST__INIT;
    const BornResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 2, &t->err));
    if (argc != 3)
        return task_wrong(t, "SUBJECT and YEAR are needed");
    req.subject_id = argv[1];
    WARD_TRY(id_birth_year(t, argv[2], &req.birth_year));
    WARD_TRY(task_ask(t, IDENTITY_PATH("SetBirthYear"), REGISTRAR, &req.base,
                      &ward__identity__v1__set_birth_year_response__descriptor, &msg));
    resp = (const BornResponse *)msg;
    if (!task_json(t, msg))
        printf("face       %s\nevent      %s\n",
               resp->face_refused ? "not used; verify the person by wristband" : "may be used",
               resp->event_id);
    return WARD_OK;
}

/* ---- identifiers ---- */

static enum ward_code fill_second(struct task *t, const struct task_list *given,
                                  IdentifiersRequest *req)
{
    Ward__Identity__V1__SecondIdentifier *s = ward_alloc(&t->mem, given->n * sizeof(*s));

    req->second = ward_alloc(&t->mem, given->n * sizeof(*req->second));
    if (s == NULL || req->second == NULL)
        return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the identifiers");
    for (size_t i = 0; i < given->n; i++) {
        ward__identity__v1__second_identifier__init(&s[i]);
        WARD_TRY(id_second(t, given->at[i], &s[i]));
        req->second[i] = &s[i];
    }
    req->n_second = given->n;
    return WARD_OK;
}

static enum ward_code identifiers(struct task *t, int argc, char **argv)
{
    IdentifiersRequest req = WARD__IDENTITY__V1__SET_IDENTIFIERS_REQUEST__INIT;
    const char *wristband = NULL;
    bool none = false;
    const struct cli_opt opts[] = {
        {"--wristband", &wristband, NULL, "text of the barcode"},
        {"--no-wristband", NULL, &none, "remove the wristband"},
        {0},
    };
    const IdentifiersResponse *resp;
    struct task_list second;
    ProtobufCMessage *msg;

    WARD_TRY(task_list(t, "--second", '\0', &argc, argv, &second));
    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    WARD_TRY(which(t, argc));
    if ((wristband == NULL && !none && second.n == 0) || (wristband != NULL && none))
        return task_wrong(t, "--wristband CODE or --no-wristband, or one or more --second "
                             "TYPE=VALUE, are needed");
    if (wristband != NULL)
        WARD_TRY(task_secret(t, wristband, &wristband));
    WARD_TRY(fill_second(t, &second, &req));
    req.subject_id = argv[1];
    req.wristband = task_text(wristband);
    req.remove_wristband = none;
    WARD_TRY(task_ask(t, IDENTITY_PATH("SetIdentifiers"), REGISTRAR, &req.base,
                      &ward__identity__v1__set_identifiers_response__descriptor, &msg));
    resp = (const IdentifiersResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    printf("wristband  %s\n", resp->has_wristband ? "set" : "none");
    for (size_t i = 0; i < resp->n_second_types; i++)
        printf("second     %s\n", resp->second_types[i]);
    printf("event      %s\n", resp->event_id);
    return WARD_OK;
}

/* ---- consent ---- */

static enum ward_code consent(struct task *t, int argc, char **argv)
{
    ConsentRequest req = WARD__IDENTITY__V1__GIVE_CONSENT_REQUEST__INIT;
    Ward__Identity__V1__Consent given = WARD__IDENTITY__V1__CONSENT__INIT;
    const char *purpose = NULL, *who = NULL, *text = ID_CONSENT_NOW;
    const struct cli_opt opts[] = {
        {"--purpose", &purpose, NULL, "purpose of the consent"},
        {"--consent", &who, NULL, "self, or the relation of the representative who consented"},
        {"--consent-text", &text, NULL, "version of the consent text"},
        {0},
    };
    const ConsentResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    WARD_TRY(which(t, argc));
    if (purpose == NULL || who == NULL)
        return task_wrong(t, "--purpose (patient-identification, patient-search, staff-access "
                             "or photo-retention) and --consent WHO are needed");
    given.purpose = task_text(purpose);
    given.given_by = task_text(who);
    given.text_version = task_text(text);
    req.subject_id = argv[1];
    req.consent = &given;
    WARD_TRY(task_ask(t, IDENTITY_PATH("GiveConsent"), REGISTRAR, &req.base,
                      &ward__identity__v1__give_consent_response__descriptor, &msg));
    resp = (const ConsentResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    task_print_time("consent", resp->given_at_us);
    printf("event      %s\n", resp->event_id);
    return WARD_OK;
}

static enum ward_code withdraw(struct task *t, int argc, char **argv)
{
    WithdrawRequest req = WARD__IDENTITY__V1__WITHDRAW_CONSENT_REQUEST__INIT;
    const char *purpose = NULL;
    const struct cli_opt opts[] = {
        {"--purpose", &purpose, NULL, "withdraw only the consent for this use"}, {0}};
    const WithdrawResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    WARD_TRY(which(t, argc));
    if (purpose != NULL && *purpose == '\0')
        return task_wrong(t, "--purpose is empty; omit --purpose to withdraw every consent");
    req.subject_id = argv[1];
    req.purpose = task_text(purpose);
    WARD_TRY(task_ask(t, IDENTITY_PATH("WithdrawConsent"), REGISTRAR, &req.base,
                      &ward__identity__v1__withdraw_consent_response__descriptor, &msg));
    resp = (const WithdrawResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    task_print_time("withdrawn", resp->withdrawn_at_us);
    if (resp->key_destroyed)
        printf("the face and its key are destroyed\nkey        sha256 %s\n", resp->key_sha256);
    printf("event      %s\n", resp->event_id);
    return WARD_OK;
}

/* ---- ends ---- */

static enum ward_code retain(struct task *t, int argc, char **argv)
{
    RetentionRequest req = WARD__IDENTITY__V1__SET_RETENTION_REQUEST__INIT;
    const char *until = NULL;
    bool no_end = false;
    const struct cli_opt opts[] = {
        {"--until", &until, NULL, "a date"},
        {"--no-end", NULL, &no_end, "keep the face until the consent ends"},
        {0},
    };
    const RetentionResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    WARD_TRY(which(t, argc));
    if ((until == NULL) == !no_end ||
        (until != NULL && !task_time(until, &req.retain_until_us)))
        return task_wrong(t, "--until DATE (such as 2027-03-01) or --no-end is needed");
    req.subject_id = argv[1];
    WARD_TRY(task_ask(t, IDENTITY_PATH("SetRetention"), REGISTRAR, &req.base,
                      &ward__identity__v1__set_retention_response__descriptor, &msg));
    resp = (const RetentionResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    if (resp->retain_until_us == 0)
        printf("the face is stored while the consent is valid\n");
    task_print_time("keep until", resp->retain_until_us);
    printf("event      %s\n", resp->event_id);
    return WARD_OK;
}

static enum ward_code erase(struct task *t, int argc, char **argv)
{
    EraseRequest req = WARD__IDENTITY__V1__ERASE_SUBJECT_REQUEST__INIT;
    const EraseResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 1, &t->err));
    WARD_TRY(which(t, argc));
    req.subject_id = argv[1];
    WARD_TRY(task_ask(t, IDENTITY_PATH("EraseSubject"), PRIVACY, &req.base,
                      &ward__identity__v1__erase_subject_response__descriptor, &msg));
    resp = (const EraseResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    task_print_time("erased", resp->erased_at_us);
    if (*resp->key_sha256 != '\0')
        printf("key        destroyed, sha256 %s\n", resp->key_sha256);
    printf("event      %s\n", resp->event_id);
    return WARD_OK;
}

ID_COMMAND(subject)
ID_COMMAND(birth_year)
ID_COMMAND(identifiers)
ID_COMMAND(consent)
ID_COMMAND(withdraw)
ID_COMMAND(retain)
ID_COMMAND(erase)

const struct cli_command cli_identity_subject_commands[] = {
    {"identity subject", "SUBJECT",
     "print a subject's consents and templates, and whether the key was destroyed",
     subject_command},
    {"identity birth-year", "SUBJECT YEAR",
     "set the year of birth (0: unknown); faces of children are not used", birth_year_command},
    {"identity identifiers",
     "SUBJECT [--wristband CODE | --no-wristband] [--second TYPE=VALUE]...",
     "set the wristband and second identifiers; \"-\" as CODE or VALUE reads a line of "
     "standard input",
     identifiers_command},
    {"identity consent", "SUBJECT --purpose FOR --consent WHO [--consent-text VERSION]",
     "record a consent", consent_command},
    {"identity withdraw", "SUBJECT [--purpose FOR]",
     "withdraw consent; without any remaining consent, the face is destroyed",
     withdraw_command},
    {"identity retain", "SUBJECT --until DATE | --no-end",
     "set the day (UTC) on which the face is destroyed", retain_command},
    {"identity erase", "SUBJECT", "erase a subject", erase_command},
    {0},
};
