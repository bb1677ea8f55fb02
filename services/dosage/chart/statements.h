/* statements.h - MedicationStatements, asked of records now with the person's own token: what
 * is decided about them, and lists of them, go by no kept chart.
 *
 * Threads: any worker's. Memory: the call's arena. Errors: ask.h's, and below.
 */
#ifndef DOSAGE_CHART_STATEMENTS_H
#define DOSAGE_CHART_STATEMENTS_H

#include "services/dosage/chart/chart.h"

#define STATEMENTS_MOST 100 /* of a page */

struct statement {
    uint8_t id[DOSAGE_ID];
    uint8_t patient[DOSAGE_ID]; /* who they are now, as far as the feed has told it */
    char patient_text[37];
    bool taken;                               /* as facts_home says */
    Ward__Dosage__V1__HomeMedicine *medicine; /* with the newest version's number */
};

/* The newest version of a statement of this patient, or of who was merged into them.
 *   NOT_FOUND  HOME_MEDICINE_NOT_FOUND */
WARD_MUST enum ward_code statement_find(struct ward_call *c, const struct chart *of,
                                        const uint8_t id[DOSAGE_ID], struct statement *out);

struct statements_ask {
    const struct chart *of; /* NULL: of every patient whom the caller may see */
    const char *ward;       /* then: only who lies there now */
    int page;               /* 1 to STATEMENTS_MOST */
    const char *page_token; /* "": from the beginning */
};
/* Those that are taken, a page of them: `page` of who lies elsewhere are left out after it was
 * counted. *next: "" at the end.
 *   INVALID_ARGUMENT  PAGE_TOKEN_INVALID */
WARD_MUST enum ward_code statements_page(struct ward_call *c, const struct statements_ask *ask,
                                         struct statement **out, size_t *n, char **next);

#endif
