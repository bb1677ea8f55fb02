/* label_own.h - codes that are listed one by one. Threads: any. Memory: none. Errors: none. */
#ifndef RECORDS_ACCESS_LABEL_OWN_H
#define RECORDS_ACCESS_LABEL_OWN_H

#include <stdint.h>

uint32_t label_of_listed(const char *system, const char *code); /* 0: it is not listed */

#endif
