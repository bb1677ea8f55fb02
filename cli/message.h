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
/* The same for a person: a line a field, `name: value`, nested messages indented below it;
 * empty fields are left out. Messages with a form of their own (view.h) are printed in it,
 * decisions first; a field that ends in _us is a time in UTC. Control characters print as "?".
 */
void message_lines(FILE *to, int indent, const ProtobufCMessage *msg, struct ward_arena *mem);
/* fprintf of two texts, control characters in them as "?": they come from the service. */
void message_text(FILE *to, const char *format, const char *one, const char *two);
/* Reads what message_json wrote into `msg`, which has been initialised: null is left out, as
 * are fields that are not there.   INVALID_ARGUMENT  a field that the message does not have, or
 * a value of another type; the field's path is named */
WARD_MUST enum ward_code message_of_json(const char *json, size_t n, ProtobufCMessage *msg,
                                         struct ward_arena *mem, struct ward_err *err);
/* Sets one field from an option's text: numbers, enums by name, true and false, base64, a
 * message or several as JSON; of a repeated field the comma-separated parts are added.
 *   INVALID_ARGUMENT */
WARD_MUST enum ward_code message_set(ProtobufCMessage *msg,
                                     const ProtobufCFieldDescriptor *field, const char *text,
                                     struct ward_arena *mem, struct ward_err *err);
/* Bytes of one value of this type. */
size_t message_width(ProtobufCType type);
/* False for a member of a oneof that is not the one that is set. */
bool message_has(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field);
/* "MATCH" for OUTCOME_MATCH, "patient" for SUBJECT_KIND_PATIENT, "?" for a number that this
 * program does not know. */
const char *message_enum(const ProtobufCEnumDescriptor *type, int value);
/* The value whose name that is, in any case, '-' and '_' left out; false: none, or the
 * unspecified one. */
bool message_enum_of(const ProtobufCEnumDescriptor *type, const char *name, int *out);

#endif
