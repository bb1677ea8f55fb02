/* model.h - a back end of the extraction that runs a model, through any plugin of common/host.
 *
 * The model labels code points: input I32 [1, n], the normalized text; output F32 [1, n,
 * labels], a score for each label. The result is the best sequence in which an I_ follows a B_
 * or I_ of its kind. If the card names a second input, this input has the dictionary's labels
 * (I32 [1, n], 0: no label). The model's card.tsv has the labels, the weights' file and its
 * sha256, and texts with expected spans. The texts are checked at start and every minute
 * (common/serve).
 *
 * Threads: any thread may call find; two windows are read concurrently, the others wait in the
 * model's queue. Memory: allocated by open, freed by close. Errors: open: FAILED_PRECONDITION
 * TEXT_DATA (the card, with file:line);
 * UNAVAILABLE DEVICE_NOT_READY if the weights are invalid or the expected spans are not found,
 * with the reason in detail. find: UNAVAILABLE MODEL_NOT_READY while the expected spans are not
 * found; those of queue.h.
 */
#ifndef RECORDS_TEXT_MODEL_H
#define RECORDS_TEXT_MODEL_H

#include "services/records/text/backend.h"

struct text_model_config {
    const char *dir;     /* "models/text_zh/1": card.tsv and its weights */
    const char *plugins; /* the folder of plugins */
    const char *plugin;  /* "cpu" */
};

WARD_MUST enum ward_code text_model_open(const struct text_model_config *cfg,
                                         struct text_backend **out, struct ward_err *err);
void text_model_close(struct text_backend *b); /* accepts NULL; close engines first */

#endif
