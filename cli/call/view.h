/* view.h - messages that a person reads in another order or form than their fields have: a
 * decision begins with its outcome and findings; an amount, a code or a sentence is one line.
 *
 * Threads: one. Memory: none. Errors: none; a time zone that this machine does not know is
 * UTC.
 */
#ifndef WARD_CLI_VIEW_H
#define WARD_CLI_VIEW_H

#include "cli/call/message.h"

/* Prints a blank and msg to the right of "name:" where it fits into a line ("500 mg"). False:
 * it does not, and nothing is printed. */
bool view_inline(FILE *to, const ProtobufCMessage *msg);
/* Prints msg line by line in its own form. False: it has none, and nothing is printed. */
bool view_block(FILE *to, int indent, const ProtobufCMessage *msg);
/* Whether fields of this type come before a message's others. */
bool view_first(const ProtobufCFieldDescriptor *field);

#endif
