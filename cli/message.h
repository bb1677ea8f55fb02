/* message.h - any protobuf message as JSON, by its descriptor: what --json prints is then what
 * the .proto says, field by field, and nothing is forgotten.
 *
 * Fields keep their names and order. An enum's value is its name without the enum's own prefix
 * ("MATCH"), in small letters where options take it so ("patient", "attended", "in"). Text that
 * is not there is null, bytes are base64, times are the .proto's microseconds.
 *
 * Threads: one. Memory: `mem` for bytes. Errors: none; bytes past mem are null.
 */
#ifndef WARD_CLI_MESSAGE_H
#define WARD_CLI_MESSAGE_H

#include "cli/cli.h"

#include <protobuf-c/protobuf-c.h>

void message_json(struct cli_json *j, const char *key, const ProtobufCMessage *msg,
                  struct ward_arena *mem);
/* "MATCH" for OUTCOME_MATCH, "patient" for SUBJECT_KIND_PATIENT, "?" for a number that this
 * program does not know. */
const char *message_enum(const ProtobufCEnumDescriptor *type, int value);
/* The value whose name that is; false: none, or the unspecified one. */
bool message_enum_of(const ProtobufCEnumDescriptor *type, const char *name, int *out);

#endif
