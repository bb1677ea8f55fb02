/* identity_call.h - common parts of the commands that call identity, in addition to task.h.
 *
 * Threads: one. Memory: the task's arena. Errors: those of task.h. */
#ifndef WARD_CLI_IDENTITY_CALL_H
#define WARD_CLI_IDENTITY_CALL_H

#include "cli/call/message.h"
#include "cli/call/task.h"

#include "ward/identity/v1/identity.pb-c.h"

#define IDENTITY_PATH(m) "/ward.identity.v1.Identity/" m
#define GALLERY_PATH(m)  "/ward.identity.v1.Gallery/" m
#define ADMIN_PATH(m)    "/ward.identity.v1.IdentityAdmin/" m
#define ACCESS_PATH(m)   "/ward.identity.v1.Access/" m

#define ID_PHOTO_MOST ((size_t)16 << 20)
#define ID_CONSENT_NOW                                                                         \
    "2026-11-en" /* version of the consent text unless --consent-text names one */

/* Defines fn_command, a cli_fn that runs the task_fn fn for identity. */
#define ID_COMMAND(fn) TASK_COMMAND(fn, "identity")

WARD_MUST enum ward_code id_kind(struct task *t, const char *given,
                                 Ward__Identity__V1__SubjectKind *out);
/* Parses a year of birth. NULL becomes 0, which means unknown. */
WARD_MUST enum ward_code id_birth_year(struct task *t, const char *given, int32_t *out);
WARD_MUST enum ward_code id_photo(struct task *t, const char *path, ProtobufCBinaryData *out);
/* Parses "birth-date=1950-01-31"; "birth-date=-" reads a line of standard input. */
WARD_MUST enum ward_code id_second(struct task *t, const char *given,
                                   Ward__Identity__V1__SecondIdentifier *out);
void id_print_reasons(Ward__Identity__V1__Reason *const *reasons, size_t n);
void id_print_liveness(const Ward__Identity__V1__Liveness *l);
void id_print_device(const char *device, bool degraded);
/* Prints a line about a patient whose year of birth is unknown. */
void id_print_age(bool unknown);
void id_print_token(const char *token, int lifetime_s);

#endif
