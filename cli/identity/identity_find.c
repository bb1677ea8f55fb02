/* wardctl identity - commands that find subjects: find, subjects, assess. */
#include "cli/identity/identity_call.h"

#include <stdio.h>

typedef Ward__Identity__V1__FindSubjectRequest FindRequest;
typedef Ward__Identity__V1__FindSubjectResponse FindResponse;
typedef Ward__Identity__V1__ListSubjectsRequest ListRequest;
typedef Ward__Identity__V1__ListSubjectsResponse ListResponse;
typedef Ward__Identity__V1__AssessPhotographRequest AssessRequest;
typedef Ward__Identity__V1__AssessPhotographResponse AssessResponse;

static const char *const REGISTRAR[] = {"registrar", NULL};

static const char *kind_word(int kind)
{
    return message_enum(&ward__identity__v1__subject_kind__descriptor, kind);
}

static enum ward_code find(struct task *t, int argc, char **argv)
{
    FindRequest req = WARD__IDENTITY__V1__FIND_SUBJECT_REQUEST__INIT;
    const char *wristband = NULL, *ref = NULL, *kind = NULL;
    const struct cli_opt opts[] = {{"--wristband", &wristband, NULL, "text of the barcode"},
                                   {"--ref", &ref, NULL, "name from the enrolment"},
                                   {"--kind", &kind, NULL, "patient or staff"},
                                   {0}};
    const FindResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if ((wristband == NULL) == (ref == NULL))
        return task_wrong(
            t, "--wristband CODE, or --ref NAME and --kind patient|staff, is needed");
    if (wristband != NULL)
        WARD_TRY(task_secret(t, wristband, &wristband));
    if (ref != NULL)
        WARD_TRY(id_kind(t, kind, &req.kind));
    req.wristband = task_text(wristband);
    req.external_ref = task_text(ref);
    WARD_TRY(task_ask(t, IDENTITY_PATH("FindSubject"), REGISTRAR, &req.base,
                      &ward__identity__v1__find_subject_response__descriptor, &msg));
    resp = (const FindResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    printf("subject    %s\nkind       %s\n", resp->subject_id, kind_word((int)resp->kind));
    printf("the owner is not always the wearer: verify the person\nevent    "
           "  %s\n",
           resp->event_id);
    return WARD_OK;
}

static void print_listed(struct task *t, const Ward__Identity__V1__ListedSubject *s)
{
    char born[16] = "";

    if (s->birth_year != 0)
        snprintf(born, sizeof(born), "born %d", s->birth_year);
    printf("%s  %-8s %-9s %-10s %s %s\n", s->subject_id, kind_word((int)s->kind),
           s->has_face ? "face" : "no face", s->has_wristband ? "wristband" : "", born,
           task_shown(t, s->external_ref));
}

/* Reads and prints pages until there are no more. With --json, prints one array. */
static enum ward_code pages(struct task *t, ListRequest *req)
{
    struct cli_json j = {.to = stdout};
    const ListResponse *resp;
    ProtobufCMessage *msg;

    do {
        WARD_TRY(task_ask(t, IDENTITY_PATH("ListSubjects"), REGISTRAR, &req->base,
                          &ward__identity__v1__list_subjects_response__descriptor, &msg));
        resp = (const ListResponse *)msg;
        if (t->cli->json && j.depth == 0)
            cli_json_open(&j, NULL, '[');
        for (size_t i = 0; i < resp->n_subjects; i++) {
            if (t->cli->json)
                message_json(&j, NULL, &resp->subjects[i]->base, &t->mem);
            else
                print_listed(t, resp->subjects[i]);
        }
        req->page_token = resp->next_page_token;
    } while (*req->page_token != '\0');
    if (t->cli->json)
        cli_json_close(&j, ']');
    return WARD_OK;
}

static enum ward_code subjects(struct task *t, int argc, char **argv)
{
    ListRequest req = WARD__IDENTITY__V1__LIST_SUBJECTS_REQUEST__INIT;
    const char *kind = NULL;
    const struct cli_opt opts[] = {{"--kind", &kind, NULL, "patient or staff"}, {0}};

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if (kind != NULL)
        WARD_TRY(id_kind(t, kind, &req.kind));
    return pages(t, &req);
}

static enum ward_code assess(struct task *t, int argc, char **argv)
{
    AssessRequest req = WARD__IDENTITY__V1__ASSESS_PHOTOGRAPH_REQUEST__INIT;
    const char *photo = NULL;
    bool largest = false;
    const struct cli_opt opts[] = {
        {"--photo", &photo, NULL, "JPEG or PNG"},
        {"--largest", NULL, &largest, "use the largest of several faces"},
        {0}};
    const AssessResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    req.largest_only = largest;
    WARD_TRY(id_photo(t, photo, &req.photograph));
    WARD_TRY(task_ask(t, IDENTITY_PATH("AssessPhotograph"), REGISTRAR, &req.base,
                      &ward__identity__v1__assess_photograph_response__descriptor, &msg));
    resp = (const AssessResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    printf("%s\n", resp->usable ? "can be enrolled" : "cannot be enrolled");
    id_print_reasons(resp->reasons, resp->n_reasons);
    if (resp->quality != NULL)
        printf("faces      %d\neyes       %.0f px apart\n", resp->quality->faces,
               resp->quality->eye_distance_px);
    return WARD_OK;
}

ID_COMMAND(find)
ID_COMMAND(subjects)
ID_COMMAND(assess)

const struct cli_command cli_identity_find_commands[] = {
    {"identity find", "--wristband CODE | --ref NAME --kind patient|staff",
     "find the subject of a wristband or a name", find_command},
    {"identity subjects", "[--kind patient|staff]", "list all subjects, oldest first",
     subjects_command},
    {"identity assess", "--photo FILE [--largest]",
     "check whether a photograph can be enrolled; nothing is stored", assess_command},
    {0},
};
