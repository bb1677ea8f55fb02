/* model.h - a back end of the extraction that runs a model, through any plugin of common/host.
 *
 * The model labels code points: input I32 [1, n], the normalized text; output F32 [1, n,
 * labels], a score for each label. The best sequence is used in which an I_ follows its own B_
 * or I_. A second input, if the card names one, has the dictionary's labels (I32 [1, n], 0 for
 * none). The model's card.tsv has the labels, the weights' file and its sha256, and a text with
 * its expected spans, which is checked at start and every minute (common/serve).
 *
 * Threads: any number may call find at once; two run, the others wait in the model's queue.
 * Memory: open/close. Errors: open: FAILED_PRECONDITION TEXT_DATA (the card, with file:line);
 * UNAVAILABLE DEVICE_NOT_READY, with the fault of the weights or the known answer in detail.
 * find: UNAVAILABLE MODEL_NOT_READY while the model does not give its known answer; queue.h's.
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
void text_model_close(struct text_backend *b); /* NULL is allowed; close engines first */

#endif
