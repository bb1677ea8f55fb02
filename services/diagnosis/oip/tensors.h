/* tensors.h - converts tensors of the Open Inference Protocol to tensors of the host, and back.
 * Pure.
 *
 * Threads: any. Memory: the arena passed in; a message's bytes are copied, because the host
 * requires aligned data. Errors: INVALID_ARGUMENT with the faulty field; RESOURCE_EXHAUSTED if
 * the arena is full. */
#ifndef DIAGNOSIS_OIP_TENSORS_H
#define DIAGNOSIS_OIP_TENSORS_H

#include "common/host/host.h"
#include "inference/open_inference.pb-c.h"

/* The name of a type, such as "FP32"; "" if the type is unknown. */
const char *oip_type_name(uint32_t dtype);
/* The type with this name; 0 if the name is unknown. */
uint32_t oip_type(const char *name);

/* Converts the request's inputs to out[0..io->n_in), in the model's order. Each input of the
 * model must be present once, with its type and shape. Names are those of the model. */
WARD_MUST enum ward_code oip_inputs(const Inference__ModelInferRequest *req,
                                    const struct ward_model_io *io, struct ward_arena *mem,
                                    struct ward_tensor out[WARD_MAX_IO], struct ward_err *err);
/* Converts the requested outputs, in the requested order; all outputs if none is requested.
 * Data is not copied. */
WARD_MUST enum ward_code oip_outputs(const Inference__ModelInferRequest *req,
                                     const struct ward_tensor *out, uint32_t n,
                                     struct ward_arena *mem,
                                     Inference__ModelInferResponse *resp, struct ward_err *err);

#endif
