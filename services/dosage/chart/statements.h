/* statements.h - MedicationStatements, read from records with the person's own token. Decisions
 * about them, and lists of them, never use cached charts.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of ask.h, and those listed at
 * each function.
 */
#ifndef DOSAGE_CHART_STATEMENTS_H
#define DOSAGE_CHART_STATEMENTS_H

#include "services/dosage/chart/chart.h"

#define STATEMENTS_MOST 100 /* maximum statements of a page */

struct statement {
    uint8_t id[DOSAGE_ID];
    /* the surviving record, as far as the feed has reported merges */
    uint8_t patient[DOSAGE_ID];
    char patient_text[37];
    bool taken;                               /* result of facts_takes */
    Ward__Dosage__V1__HomeMedicine *medicine; /* with the number of the newest version */
};

/* The newest version of a statement of this patient or of a merged record.
 *   NOT_FOUND  HOME_MEDICINE_NOT_FOUND */
WARD_MUST enum ward_code statement_find(struct ward_call *c, const struct chart *of,
                                        const uint8_t id[DOSAGE_ID], struct statement *out);

struct statements_ask {
    const struct chart *of; /* NULL: all patients that the caller may access */
    const char *ward;       /* if `of` is NULL: only current patients of this ward */
    int page;               /* 1 to STATEMENTS_MOST */
    const char *page_token; /* "": from the beginning */
};
/* One page of the statements of medicines that are taken. Patients in other wards are removed
 * after the page was read, so a page may have fewer than `page` statements. *next: "" at the
 * end.
 *   INVALID_ARGUMENT  PAGE_TOKEN_INVALID */
WARD_MUST enum ward_code statements_page(struct ward_call *c, const struct statements_ask *ask,
                                         struct statement **out, size_t *n, char **next);

#endif
