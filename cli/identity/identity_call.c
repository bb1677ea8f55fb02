/* Common parts of the commands for identity: photographs, second identifiers, printed answers.
 */
#include "cli/identity/identity_call.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

enum ward_code id_kind(struct task *t, const char *given, Ward__Identity__V1__SubjectKind *out)
{
    int kind = 0;

    if (!message_enum_of(&ward__identity__v1__subject_kind__descriptor, given, &kind))
        return task_wrong(t, "--kind must be patient or staff");
    *out = (Ward__Identity__V1__SubjectKind)kind;
    return WARD_OK;
}

enum ward_code id_birth_year(struct task *t, const char *given, int32_t *out)
{
    int64_t year = 0;

    if (given != NULL && !ward_i64(given, 0, 9999, &year))
        return task_wrong(t, "the year of birth must have four digits, or be 0 for unknown");
    *out = (int32_t)year;
    return WARD_OK;
}

enum ward_code id_photo(struct task *t, const char *path, ProtobufCBinaryData *out)
{
    char *bytes;

    if (path == NULL)
        return task_wrong(t, "--photo FILE is needed");
    WARD_TRY(cli_read(path, ID_PHOTO_MOST, &t->mem, &bytes, &out->len, &t->err));
    out->data = (uint8_t *)bytes;
    return WARD_OK;
}

enum ward_code id_second(struct task *t, const char *given,
                         Ward__Identity__V1__SecondIdentifier *out)
{
    char *type = given == NULL ? NULL : ward_strdup(&t->mem, given);
    char *value = type == NULL ? NULL : strchr(type, '=');
    const char *said = "";

    if (value == NULL)
        return task_wrong(t, "--second must be TYPE=VALUE, such as \"birth-date=1950-01-31\", "
                             "or TYPE=- with the value on the standard input");
    *value++ = '\0';
    WARD_TRY(task_secret(t, value, &said));
    out->type = type;
    out->value = task_text(said);
    return WARD_OK;
}

/* ---- printing answers ---- */

void id_print_reasons(Ward__Identity__V1__Reason *const *reasons, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("  %s: %s\n", reasons[i]->reason, reasons[i]->text);
}

void id_print_liveness(const Ward__Identity__V1__Liveness *l)
{
    if (l == NULL || l->policy == 0)
        return;
    printf("liveness   %s required",
           message_enum(&ward__identity__v1__liveness_policy__descriptor, (int)l->policy));
    if (l->policy != WARD__IDENTITY__V1__LIVENESS_POLICY__LIVENESS_POLICY_NONE)
        printf(", %s", l->satisfied ? "shown" : "not shown");
    if (l->passive_score >= 0)
        printf("; passive score %.2f, threshold %.2f", l->passive_score, l->passive_threshold);
    printf("\n");
}

void id_print_device(const char *device, bool degraded)
{
    if (degraded)
        printf("device     %s: not the preferred device\n", device);
}

void id_print_age(bool unknown)
{
    if (unknown)
        printf("\nage    unknown, so there is no error rate and no token; use "
               "verify-wristband, or set birth-year");
}

void id_print_token(const char *token, int lifetime_s)
{
    if (*token != '\0')
        printf("token  %s\n  valid once, for %d s\n", token, lifetime_s);
}
