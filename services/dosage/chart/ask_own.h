/* ask_own.h - questions to records about one patient: built, asked together or alone.
 *
 * Threads: a worker's own. Memory: the call's arena; a question points into itself and stays
 * where it is. Errors: ask.h's.
 */
#ifndef DOSAGE_CHART_ASK_OWN_H
#define DOSAGE_CHART_ASK_OWN_H

#include "services/dosage/chart/ask.h"

#define PAGE       50 /* resources of a kind */
#define KIND(name) WARD__RECORDS__V1__KIND__KIND_##name

/* The questions whose first pages are asked for together, in this order. */
enum {
    ASKED_WARD,
    ASKED_ALLERGIES,
    ASKED_SIZE,
    ASKED_KIDNEYS,
    ASKED_PROBLEMS,
    ASKED_HOME,
    ASKED_LABS /* and those behind it */
};

struct asking {
    struct ward_call *call;
    struct ward_client *records;
    struct ward_out with;
    char patient[37];
    Ward__Records__V1__SearchResponse **got; /* first pages, by number; NULL: ask each alone */
    size_t n_got;
};

#define MORE_MAX 2 /* parameters beside the patient */

struct question {
    Ward__Records__V1__SearchRequest req;
    Ward__Records__V1__Parameter patient, more[MORE_MAX];
    Ward__Records__V1__Parameter *all[1 + MORE_MAX];
    char *who;
};

void asking_begin(struct asking *a, struct ward_call *c);
/* Reads the Patient: who they are now, and what the resource says. */
WARD_MUST enum ward_code asking_patient(struct asking *a, const uint8_t id[DOSAGE_ID],
                                        struct answer *out);
void question_begin(struct question *q, struct asking *a, Ward__Records__V1__Kind kind,
                    int page);
void question_also(struct question *q, const char *name, char **values, size_t n);
WARD_MUST enum ward_code asking_search(struct asking *a, const struct question *q,
                                       Ward__Records__V1__SearchResponse **out);
/* Asks the first n questions at once. Where the answers are too large for one message, or
 * records is of a version without SearchMany, nothing is fetched: each is then asked alone. */
WARD_MUST enum ward_code asking_many(struct asking *a, struct question *q, size_t n);
/* The first page of question `which`: the one that was fetched, or asked for now. */
WARD_MUST enum ward_code asking_first(struct asking *a, size_t which, const struct question *q,
                                      Ward__Records__V1__SearchResponse **out);
void question_ward(struct question *q, struct asking *a);
WARD_MUST enum ward_code asking_ward(struct asking *a, int64_t now_us, struct answer *out);

#endif
