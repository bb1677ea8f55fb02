/* wardctl identity - 1:N searches: identify, gallery, duplicates; and redact. */
#include "cli/identity/identity_call.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ward/identity/v1/gallery.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__IdentifyRequest IdentifyRequest;
typedef Ward__Identity__V1__IdentifyResponse IdentifyResponse;
typedef Ward__Identity__V1__ListGalleriesRequest ListRequest;
typedef Ward__Identity__V1__ListGalleriesResponse ListResponse;
typedef Ward__Identity__V1__ListDuplicatesRequest DuplicatesRequest;
typedef Ward__Identity__V1__ListDuplicatesResponse DuplicatesResponse;
typedef Ward__Identity__V1__ResolveDuplicateRequest ResolveRequest;
typedef Ward__Identity__V1__RedactRequest RedactRequest;
typedef Ward__Identity__V1__RedactResponse RedactResponse;

static const char *const NURSE[] = {"nurse", NULL};
static const char *const REGISTRAR[] = {"registrar", NULL};

static const struct cli_opt NO_OPTIONS[] = {{0}};

/* ---- identify ---- */

static void print_identified(struct task *t, const IdentifyResponse *r)
{
    bool match = r->outcome == WARD__IDENTITY__V1__IDENTIFY_OUTCOME__IDENTIFY_OUTCOME_MATCH;

    printf("%s%s%s", cli_paint(t->cli, match ? CLI_GOOD : CLI_BAD),
           message_enum(&ward__identity__v1__identify_outcome__descriptor, (int)r->outcome),
           cli_paint(t->cli, CLI_PLAIN));
    if (r->n_reasons == 0)
        printf("  among %lld, threshold %.3f%s, margin %.3f", (long long)r->gallery_size,
               r->threshold, r->extrapolated ? " (outside the measured range)" : "", r->margin);
    printf("\n");
    id_print_reasons(r->reasons, r->n_reasons);
    for (size_t i = 0; i < r->n_candidates; i++)
        printf("  %s  %s  score at least %.3f\n", r->candidates[i]->subject_id,
               message_enum(&ward__identity__v1__subject_kind__descriptor,
                            (int)r->candidates[i]->kind),
               r->candidates[i]->score);
    if (match)
        printf("the subject is only a candidate; verify the person with: wardctl identity "
               "verify\n");
    if (r->n_candidates > 1)
        printf("several candidates; ask for another identifier\n");
    id_print_liveness(r->liveness);
    id_print_device(r->device, r->degraded);
    printf("event  %s\n", r->event_id);
}

static enum ward_code identify(struct task *t, int argc, char **argv)
{
    IdentifyRequest req = WARD__IDENTITY__V1__IDENTIFY_REQUEST__INIT;
    const char *photo = NULL, *gallery = "patients", *place = NULL, *device = NULL,
               *purpose = "administration", *max_fpir = "0";
    bool attended = false, largest = false;
    const struct cli_opt opts[] = {
        {"--photo", &photo, NULL, "JPEG or PNG"},
        {"--gallery", &gallery, NULL, "gallery to search"},
        {"--place", &place, NULL, "bed, door or room"},
        {"--device", &device, NULL, "name of the camera"},
        {"--purpose", &purpose, NULL, "purpose of the search"},
        {"--max-fpir", &max_fpir, NULL, "maximum false positive identification rate"},
        {"--attended", NULL, &attended,
         "confirm that you see the person in front of the camera"},
        {"--largest", NULL, &largest, "use the largest of several faces"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if (place == NULL)
        return task_wrong(t, "--photo FILE and --place BED are needed");
    if (!ward_f64(max_fpir, &req.max_fpir))
        return task_wrong(t, "--max-fpir must be from 1e-4 to 1e-1");
    req.gallery = task_text(gallery);
    req.place = task_text(place);
    req.device = task_text(device);
    req.purpose = task_text(purpose);
    req.attended = attended;
    req.largest_only = largest;
    WARD_TRY(id_photo(t, photo, &req.photograph));
    WARD_TRY(task_ask(t, GALLERY_PATH("Identify"), NURSE, &req.base,
                      &ward__identity__v1__identify_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_identified(t, (const IdentifyResponse *)msg);
    return WARD_OK;
}

/* ---- galleries ---- */

static enum ward_code members(struct task *t, int argc, char **argv)
{
    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 2, &t->err));
    return argc == 3
               ? WARD_OK
               : task_wrong(
                     t,
                     "GALLERY (such as \"ward/3a\" or \"clinic/eye\") and SUBJECT are needed");
}

static enum ward_code gallery_add(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__AddMemberRequest req = WARD__IDENTITY__V1__ADD_MEMBER_REQUEST__INIT;
    ProtobufCMessage *msg;

    WARD_TRY(members(t, argc, argv));
    req.gallery = argv[1];
    req.subject_id = argv[2];
    WARD_TRY(task_ask(t, GALLERY_PATH("AddMember"), REGISTRAR, &req.base,
                      &ward__identity__v1__add_member_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("added to %s\nevent      %s\n", argv[1],
               ((const Ward__Identity__V1__AddMemberResponse *)msg)->event_id);
    return WARD_OK;
}

static enum ward_code gallery_remove(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__RemoveMemberRequest req =
        WARD__IDENTITY__V1__REMOVE_MEMBER_REQUEST__INIT;
    ProtobufCMessage *msg;

    WARD_TRY(members(t, argc, argv));
    req.gallery = argv[1];
    req.subject_id = argv[2];
    WARD_TRY(task_ask(t, GALLERY_PATH("RemoveMember"), REGISTRAR, &req.base,
                      &ward__identity__v1__remove_member_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("removed from %s\nevent      %s\n", argv[1],
               ((const Ward__Identity__V1__RemoveMemberResponse *)msg)->event_id);
    return WARD_OK;
}

static enum ward_code gallery_list(struct task *t, int argc, char **argv)
{
    ListRequest req = WARD__IDENTITY__V1__LIST_GALLERIES_REQUEST__INIT;
    const ListResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 0, &t->err));
    WARD_TRY(task_ask(t, GALLERY_PATH("ListGalleries"), REGISTRAR, &req.base,
                      &ward__identity__v1__list_galleries_response__descriptor, &msg));
    resp = (const ListResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    for (size_t i = 0; i < resp->n_galleries; i++)
        printf("%-24s %lld\n", resp->galleries[i]->gallery,
               (long long)resp->galleries[i]->subjects);
    printf("%.1f MiB in memory, scanned with %s, up to change %lld\n",
           (double)resp->index_bytes / (1 << 20), resp->kernel, (long long)resp->seq);
    return WARD_OK;
}

/* ---- duplicates ---- */

static void print_duplicate(struct task *t, const Ward__Identity__V1__Duplicate *d)
{
    char at[28];

    ward_rfc3339(d->found_at_us, at);
    printf("%s  %s  score at least %.3f, threshold %.3f, found %.19sZ\n  %s\n  %s\n",
           d->duplicate_id,
           message_enum(&ward__identity__v1__duplicate_state__descriptor, (int)d->state),
           d->score, d->threshold, at, d->subject_id, d->other_subject_id);
    if (d->decided_at_us == 0)
        return;
    ward_rfc3339(d->decided_at_us, at);
    printf("  decided by %s, %.19sZ\n", task_shown(t, d->decided_by), at);
}

/* Reads and prints pages until there are no more. With --json, prints one array. */
static enum ward_code pages(struct task *t, DuplicatesRequest *req)
{
    struct cli_json j = {.to = stdout};
    const DuplicatesResponse *resp;
    ProtobufCMessage *msg;
    size_t n = 0;

    do {
        WARD_TRY(task_ask(t, GALLERY_PATH("ListDuplicates"), REGISTRAR, &req->base,
                          &ward__identity__v1__list_duplicates_response__descriptor, &msg));
        resp = (const DuplicatesResponse *)msg;
        if (t->cli->json && j.depth == 0)
            cli_json_open(&j, NULL, '[');
        for (size_t i = 0; i < resp->n_duplicates; i++, n++) {
            if (t->cli->json)
                message_json(&j, NULL, &resp->duplicates[i]->base, &t->mem);
            else
                print_duplicate(t, resp->duplicates[i]);
        }
        req->page_token = resp->next_page_token;
    } while (*req->page_token != '\0');
    if (t->cli->json)
        cli_json_close(&j, ']');
    else if (n == 0)
        printf("none\n");
    return WARD_OK;
}

static enum ward_code duplicates_list(struct task *t, int argc, char **argv)
{
    DuplicatesRequest req = WARD__IDENTITY__V1__LIST_DUPLICATES_REQUEST__INIT;
    const char *state = "open";
    const struct cli_opt opts[] = {{"--state", &state, NULL, "open, same, different"}, {0}};
    int value = 0;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if (!message_enum_of(&ward__identity__v1__duplicate_state__descriptor, state, &value))
        return task_wrong(t, "--state must be open, same or different");
    req.state = (Ward__Identity__V1__DuplicateState)value;
    return pages(t, &req);
}

static enum ward_code duplicates_resolve(struct task *t, int argc, char **argv)
{
    ResolveRequest req = WARD__IDENTITY__V1__RESOLVE_DUPLICATE_REQUEST__INIT;
    bool same = false, different = false;
    const struct cli_opt opts[] = {{"--same", NULL, &same, "one person"},
                                   {"--different", NULL, &different, "two people"},
                                   {0}};
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || same == different)
        return task_wrong(t, "DUPLICATE and --same or --different are needed");
    req.duplicate_id = argv[1];
    req.state = same ? WARD__IDENTITY__V1__DUPLICATE_STATE__DUPLICATE_STATE_SAME
                     : WARD__IDENTITY__V1__DUPLICATE_STATE__DUPLICATE_STATE_DIFFERENT;
    WARD_TRY(task_ask(t, GALLERY_PATH("ResolveDuplicate"), REGISTRAR, &req.base,
                      &ward__identity__v1__resolve_duplicate_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("recorded: %s\nevent      %s\n", same ? "one person" : "two people",
               ((const Ward__Identity__V1__ResolveDuplicateResponse *)msg)->event_id);
    return WARD_OK;
}

/* ---- redact ---- */

static enum ward_code save(struct task *t, const char *path, const RedactResponse *r)
{
    struct cli_json j = {.to = stdout};
    FILE *f;

    WARD_TRY(task_create(t, path, &f));
    fwrite(r->photograph.data, 1, r->photograph.len, f);
    WARD_TRY(task_created(t, path, f, WARD_OK));
    if (!t->cli->json) {
        printf("%d face%s hidden in %s; check the picture before it leaves the hospital\nevent "
               "     %s\n",
               r->faces, r->faces == 1 ? "" : "s", path, r->event_id);
        if (r->crowded)
            printf("some faces may be visible: there were too many to detect all\n");
        return WARD_OK;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "file", path);
    cli_json_int(&j, "faces", r->faces);
    cli_json_bool(&j, "crowded", r->crowded);
    cli_json_int(&j, "least_face_px", r->least_face_px);
    cli_json_text(&j, "event_id", r->event_id);
    cli_json_close(&j, '}');
    return WARD_OK;
}

static enum ward_code redact(struct task *t, int argc, char **argv)
{
    RedactRequest req = WARD__IDENTITY__V1__REDACT_REQUEST__INIT;
    const char *photo = NULL, *out = NULL;
    bool pixelate = false, allow_none = false;
    const struct cli_opt opts[] = {
        {"--photo", &photo, NULL, "JPEG or PNG"},
        {"--out", &out, NULL, "output file, a new JPEG"},
        {"--pixelate", NULL, &pixelate, "use squares instead of a blur"},
        {"--allow-none", NULL, &allow_none, "accept a photograph without a face"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if (out == NULL)
        return task_wrong(t, "--photo IN and --out OUT are needed");
    req.style = pixelate ? WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_PIXELATE
                         : WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_BLUR;
    req.allow_none = allow_none;
    WARD_TRY(id_photo(t, photo, &req.photograph));
    WARD_TRY(task_ask(t, IDENTITY_PATH("Redact"), REGISTRAR, &req.base,
                      &ward__identity__v1__redact_response__descriptor, &msg));
    return save(t, out, (const RedactResponse *)msg);
}

ID_COMMAND(identify)
ID_COMMAND(gallery_add)
ID_COMMAND(gallery_remove)
ID_COMMAND(gallery_list)
ID_COMMAND(duplicates_list)
ID_COMMAND(duplicates_resolve)
ID_COMMAND(redact)

const struct cli_command cli_identity_gallery_commands[] = {
    {"identity identify",
     "--photo FILE --place BED [--gallery patients|staff|all|ward/..|clinic/..]\n"
     "      [--max-fpir RATE] [--attended] [--purpose FOR] [--device NAME] [--largest]",
     "search for the person in a photograph, if the policy of the purpose permits searches",
     identify_command},
    {"identity gallery add", "GALLERY SUBJECT",
     "add a subject to a gallery of a ward or clinic", gallery_add_command},
    {"identity gallery remove", "GALLERY SUBJECT", "remove a subject from a gallery",
     gallery_remove_command},
    {"identity gallery list", "", "list the galleries and their sizes", gallery_list_command},
    {"identity duplicates list", "[--state open|same|different]",
     "list pairs of subjects that look like one person", duplicates_list_command},
    {"identity duplicates resolve", "DUPLICATE --same | --different",
     "record the review decision for a duplicate pair", duplicates_resolve_command},
    {"identity redact", "--photo IN --out OUT [--pixelate] [--allow-none]",
     "hide every face in a photograph; nothing is stored", redact_command},
    {0},
};
