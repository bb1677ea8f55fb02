/* view.h - prints some messages in an order or form that is easier to read than their fields. A
 * decision begins with its outcome and findings. An amount, a code or a sentence is one line.
 *
 * Threads: one. Memory: none. Errors: none; if this machine does not know a time zone, times
 * are in UTC. */
#ifndef WARD_CLI_VIEW_H
#define WARD_CLI_VIEW_H

#include "cli/call/message.h"

/* Prints msg after "name:" if it fits into the line ("500 mg"). If it does not fit, prints
 * nothing and returns false. */
bool view_inline(FILE *to, const ProtobufCMessage *msg);
/* Prints msg line by line in its own form. If it has no such form, prints nothing and returns
 * false. */
bool view_block(FILE *to, int indent, const ProtobufCMessage *msg);
/* Whether fields of this type are printed before the message's other fields. */
bool view_first(const ProtobufCFieldDescriptor *field);

#endif
