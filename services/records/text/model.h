/* model.h - a back end of the extraction that asks a model, through any plugin of common/host.
 *
 * The model labels code points: input I32 [1, n], the folded text; output F32 [1, n, labels], a
 * score for each label, of which the best sequence is taken in which an I_ follows its own B_
 * or I_. A second input, where the card names one, holds the labels that the dictionary gives
 * (I32 [1, n], 0 for none). What the labels are, which file holds the weights and what its
 * sha256 is stands in the model's card.tsv, with a text and the spans it must find in it, asked
 * at the start and every minute (common/serve).
 *
 * Threads: any number may find at once; two run, the others wait in the model's queue. Memory:
 * open/close. Errors: open: FAILED_PRECONDITION TEXT_DATA (the card, with file:line);
 * UNAVAILABLE DEVICE_NOT_READY, with the weights' or the known answer's fault in detail. find:
 * UNAVAILABLE MODEL_NOT_READY while the model does not give its known answer; queue.h's.
 */
#ifndef RECORDS_TEXT_MODEL_H
#define RECORDS_TEXT_MODEL_H

#include "services/records/text/backend.h"

struct text_model_config {
    const char *dir;     /* "models/text_zh/1": card.tsv and the weights that it names */
    const char *plugins; /* the folder of plugins */
    const char *plugin;  /* "cpu" */
};

WARD_MUST enum ward_code text_model_open(const struct text_model_config *cfg,
                                         struct text_backend **out, struct ward_err *err);
void text_model_close(struct text_backend *b); /* NULL is fine; engines that use it first */

#endif
