/* tensors.h - the Open Inference Protocol's tensors to the host's and back. Pure.
 *
 * Threads: any. Memory: the arena given; a message's bytes are copied, since the host wants
 * them aligned. Errors: INVALID_ARGUMENT with the field that is at fault; RESOURCE_EXHAUSTED
 * the arena is full.
 */
#ifndef DIAGNOSIS_OIP_TENSORS_H
#define DIAGNOSIS_OIP_TENSORS_H

#include "common/host/host.h"
#include "inference/open_inference.pb-c.h"

/* "FP32"; "" for an unknown number. */
const char *oip_type_name(uint32_t dtype);
/* 0: no such type. */
uint32_t oip_type(const char *name);

/* Every input of the model, once each and as it takes it, into out[0..io->n_in) in the model's
 * order. Names are the model's. */
WARD_MUST enum ward_code oip_inputs(const Inference__ModelInferRequest *req,
                                    const struct ward_model_io *io, struct ward_arena *mem,
                                    struct ward_tensor out[WARD_MAX_IO], struct ward_err *err);
/* The outputs that were asked for, in that order; all where none was. Data is borrowed. */
WARD_MUST enum ward_code oip_outputs(const Inference__ModelInferRequest *req,
                                     const struct ward_tensor *out, uint32_t n,
                                     struct ward_arena *mem,
                                     Inference__ModelInferResponse *resp, struct ward_err *err);

#endif
