/* service SUBJECT PORT CERTS MODEL FLOOR ROWS AT_ONCE MS: ModelInfer of ROWS rows, AT_ONCE
 * under way: {"rows", "all_rows", "seconds", "p50_us", "p99_us", "floor_us"}; all_rows: with
 * the warm-up's. Every other call goes to the model FLOOR, "-" for none: a machine that is
 * slower for a while is so for both. */
#include "common/base/clock.h"
#include "inference/open_inference.pb-c.h"
#include "tests/bench/diagnosis/bench.h"
#include "tests/bench/h2load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE_MAX 64

static struct {
    Inference__ModelInferRequest req[2]; /* to the model, to the floor */
    int n_req;
    struct times times[2];
    int64_t until, answered, all;
} run;

static void done(struct h2load *l, struct h2call *call)
{
    int64_t now = ward_mono_ns();
    int which = call->req == &run.req[0].base ? 0 : 1;

    protobuf_c_message_free_unpacked(
        h2load_answer(call, &inference__model_infer_response__descriptor), NULL);
    times_add(&run.times[which], (double)(now - call->began_ns) / 1e6);
    run.answered++;
    run.all++;
    call->req = &run.req[(which + 1) % run.n_req].base;
    if (now < run.until)
        h2load_call(l, call);
}

static void loop(struct h2load *l, int at_once, int64_t ms)
{
    struct h2call calls[AT_ONCE_MAX] = {0};

    run.until = ward_mono_ns() + ms * 1000000;
    for (int i = 0; i < at_once; i++) {
        calls[i] = (struct h2call){.path = "/inference.GRPCInferenceService/ModelInfer",
                                   .req = &run.req[0].base};
        h2load_call(l, &calls[i]);
    }
    while (l->open > 0)
        h2load_turn(l, 100000000);
}

static void measure(struct h2load *l, int rows, int at_once, int64_t ms)
{
    int64_t began;

    loop(l, at_once, ms / 5); /* warm */
    run.times[0].n = run.times[1].n = 0;
    run.answered = 0;
    began = ward_mono_ns();
    loop(l, at_once, ms);
    printf("{\"rows\": %lld, \"all_rows\": %lld, \"seconds\": %.3f, \"p50_us\": %.2f, "
           "\"p99_us\": %.2f, "
           "\"floor_us\": %.2f}\n",
           (long long)run.answered * rows, (long long)run.all * rows,
           (double)(ward_mono_ns() - began) / 1e9, times_at(&run.times[0], 0.5) * 1000,
           times_at(&run.times[0], 0.99) * 1000, times_at(&run.times[1], 0.5) * 1000);
}

int service_main(int argc, char **argv)
{
    Inference__ModelInferRequest__InferInputTensor in =
        INFERENCE__MODEL_INFER_REQUEST__INFER_INPUT_TENSOR__INIT;
    Inference__ModelInferRequest__InferRequestedOutputTensor out =
        INFERENCE__MODEL_INFER_REQUEST__INFER_REQUESTED_OUTPUT_TENSOR__INIT;
    Inference__ModelInferRequest__InferInputTensor *ins[] = {&in};
    Inference__ModelInferRequest__InferRequestedOutputTensor *outs[] = {&out};
    struct ward_arena mem;
    struct ward_tensor t;
    struct subject s;
    struct h2load l;
    ProtobufCBinaryData raw;
    int rows;

    if (argc != SUBJECT_ARGS + 7)
        return 2;
    subject_read(argv, &s);
    argv += SUBJECT_ARGS;
    rows = (int)number(argv[4], 65536);
    ward_arena_init(&mem, (size_t)1 << 30);
    subject_input(&s, rows, &mem, &t);
    raw = (ProtobufCBinaryData){t.nbytes, t.data};
    in.name = (char *)(uintptr_t)s.known.input;
    in.datatype = (char *)(uintptr_t) "FP32";
    in.shape = t.shape;
    in.n_shape = t.rank;
    out.name = (char *)(uintptr_t)s.known.output;
    run.n_req = strcmp(argv[3], "-") == 0 ? 1 : 2;
    for (int i = 0; i < run.n_req; i++) {
        Inference__ModelInferRequest *req = &run.req[i];

        inference__model_infer_request__init(req);
        req->model_name = argv[2 + i];
        req->inputs = ins;
        req->outputs = outs;
        req->n_inputs = req->n_outputs = req->n_raw_input_contents = 1;
        req->raw_input_contents = &raw;
    }
    h2load_open(&l, (int)number(argv[0], 65535), argv[1], "inference", done);
    measure(&l, rows, (int)number(argv[5], AT_ONCE_MAX), number(argv[6], 600000));
    h2load_close(&l);
    ward_arena_done(&mem);
    return 0;
}
