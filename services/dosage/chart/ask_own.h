/* ask_own.h - builds searches in records for one patient, and sends the searches together or
 * separately.
 *
 * Threads: any worker. Memory: the call's arena; a search contains pointers to itself and must
 * not be moved. Errors: those of ask.h.
 */
#ifndef DOSAGE_CHART_ASK_OWN_H
#define DOSAGE_CHART_ASK_OWN_H

#include "services/dosage/chart/ask.h"

#define PAGE       50 /* resources on a page */
#define KIND(name) WARD__RECORDS__V1__KIND__KIND_##name

/* Searches whose first pages are requested together, in this order. */
enum {
    ASKED_WARD,
    ASKED_ALLERGIES,
    ASKED_SIZE,
    ASKED_KIDNEYS,
    ASKED_PROBLEMS,
    ASKED_HOME,
    ASKED_LABS /* the first search for laboratory values; others follow */
};

struct asking {
    struct ward_call *call;
    struct ward_client *records;
    struct ward_out with;
    char patient[37];
    /* first pages, by search number; NULL: each search is sent separately */
    Ward__Records__V1__SearchResponse **got;
    size_t n_got;
};

#define MORE_MAX 2 /* parameters besides the patient */

struct question {
    Ward__Records__V1__SearchRequest req;
    Ward__Records__V1__Parameter patient, more[MORE_MAX];
    Ward__Records__V1__Parameter *all[1 + MORE_MAX];
    char *who;
};

void asking_begin(struct asking *a, struct ward_call *c);
/* Reads the Patient: the surviving record's id, and the resource's content. */
WARD_MUST enum ward_code asking_patient(struct asking *a, const uint8_t id[DOSAGE_ID],
                                        struct answer *out);
void question_begin(struct question *q, struct asking *a, Ward__Records__V1__Kind kind,
                    int page);
void question_also(struct question *q, const char *name, char **values, size_t n);
WARD_MUST enum ward_code asking_search(struct asking *a, const struct question *q,
                                       Ward__Records__V1__SearchResponse **out);
/* Sends the first n searches in one call. If the answers exceed one message, or if records has
 * no SearchMany, no page is fetched, and each search is sent separately. */
WARD_MUST enum ward_code asking_many(struct asking *a, struct question *q, size_t n);
/* The first page of search `which`, from asking_many or requested now. */
WARD_MUST enum ward_code asking_first(struct asking *a, size_t which, const struct question *q,
                                      Ward__Records__V1__SearchResponse **out);
void question_ward(struct question *q, struct asking *a);
WARD_MUST enum ward_code asking_ward(struct asking *a, int64_t now_us, struct answer *out);

#endif
