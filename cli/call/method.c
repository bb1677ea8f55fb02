#include "cli/call/method.h"

#include <stdio.h>
#include <string.h>

#define FILE_MOST    ((size_t)8 << 20)
#define OPTIONS_MOST 32
#define NAME_MOST    64

struct asking {
    struct task *task;
    const struct cli_method *how;
    ProtobufCMessage *req;
    struct cli_opt opt[OPTIONS_MOST + 3];
    const ProtobufCFieldDescriptor *field[OPTIONS_MOST];
    const char *value[OPTIONS_MOST];
    int n;
};

static enum ward_code no_memory(struct task *t)
{
    return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the request");
}

static bool is_word(const struct cli_method *how, const char *name)
{
    for (int i = 0; i < METHOD_WORDS && how->words[i] != NULL; i++)
        if (strcmp(how->words[i], name) == 0)
            return true;
    return how->file != NULL && strcmp(how->file, name) == 0;
}

/* Creates an option for every field without a positional argument. */
static enum ward_code name_options(struct asking *a)
{
    struct task *t = a->task;

    for (unsigned i = 0; i < a->how->req->n_fields && a->n < OPTIONS_MOST; i++) {
        const ProtobufCFieldDescriptor *f = &a->how->req->fields[i];
        char *name = ward_printf(&t->mem, "--%s", f->name);

        if (name == NULL)
            return no_memory(t);
        for (char *c = name; *c != '\0'; c++)
            *c = *c == '_' ? '-' : *c;
        if (strcmp(f->name, "idempotency_key") == 0)
            name = (char *)(uintptr_t) "--key";
        if (is_word(a->how, f->name) || strcmp(f->name, "ward") == 0)
            continue; /* --ward sets the ward in the token and the ward in the request */
        a->field[a->n] = f;
        a->opt[a->n] = (struct cli_opt){name, &a->value[a->n], NULL, f->name};
        a->n++;
    }
    a->opt[a->n] = (struct cli_opt){"--ward", &t->ward, NULL, "ward in the token"};
    a->opt[a->n + 1] = (struct cli_opt){"--purpose", &t->purpose, NULL, "of use"};
    return WARD_OK;
}

static enum ward_code set(struct asking *a, const char *name, const char *text)
{
    return message_set(a->req,
                       protobuf_c_message_descriptor_get_field_by_name(a->how->req, name), text,
                       &a->task->mem, &a->task->err);
}

/* Returns whether the option of this field names a file that contains the value. */
static bool in_file(const ProtobufCFieldDescriptor *f)
{
    return strcmp(f->name, "ppid_token") == 0 || strcmp(f->name, "second_person_token") == 0 ||
           strcmp(f->name, "pack") == 0;
}

static enum ward_code set_option(struct asking *a, int i)
{
    struct task *t = a->task;
    char *text = task_text(a->value[i]);
    size_t n;

    if (in_file(a->field[i])) {
        WARD_TRY(cli_read(a->value[i], FILE_MOST, &t->mem, &text, &n, &t->err));
        text[strcspn(text, "\r\n")] = '\0';
    }
    return message_set(a->req, a->field[i], text, &t->mem, &t->err);
}

static enum ward_code set_options(struct asking *a)
{
    const ProtobufCFieldDescriptor *ward =
        protobuf_c_message_descriptor_get_field_by_name(a->how->req, "ward");

    if (ward != NULL && ward->type == PROTOBUF_C_TYPE_STRING && a->task->ward != NULL)
        WARD_TRY(message_set(a->req, ward, a->task->ward, &a->task->mem, &a->task->err));
    for (int i = 0; i < a->n; i++) {
        bool key = strcmp(a->opt[i].name, "--key") == 0;
        char *made = NULL;

        if (key && a->value[i] == NULL) {
            WARD_TRY(task_key(a->task, NULL, &made));
            a->value[i] = made;
        }
        if (a->value[i] != NULL)
            WARD_TRY(set_option(a, i));
    }
    return WARD_OK;
}

static enum ward_code set_file(struct asking *a, const char *path)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(a->how->req, a->how->file);
    char *json;
    size_t n;

    WARD_TRY(cli_read(path, FILE_MOST, &a->task->mem, &json, &n, &a->task->err));
    return message_set(a->req, f, json, &a->task->mem, &a->task->err);
}

static enum ward_code set_words(struct asking *a, int argc, char **argv)
{
    int at = 1;

    for (int i = 0; i < METHOD_WORDS && a->how->words[i] != NULL; i++, at++) {
        if (at >= argc)
            return WARD_FAIL(&a->task->err, INVALID_ARGUMENT, "%s is needed; see wardctl help",
                             a->how->words[i]);
        WARD_TRY(set(a, a->how->words[i], argv[at]));
    }
    if (a->how->file != NULL) {
        if (at >= argc)
            return task_wrong(a->task, "a JSON file is needed, in the form that --json prints");
        WARD_TRY(set_file(a, argv[at++]));
    }
    if (a->how->rest != NULL)
        return a->how->rest(a->task, a->req, argc - at, argv + at);
    return at == argc ? WARD_OK
                      : WARD_FAIL(&a->task->err, INVALID_ARGUMENT,
                                  "unexpected argument \"%.64s\"", argv[at]);
}

enum ward_code method_request(struct task *t, const struct cli_method *how, int argc,
                              char **argv, ProtobufCMessage **req)
{
    struct asking *a = ward_new(&t->mem, struct asking);

    if (a == NULL)
        return no_memory(t);
    *a = (struct asking){.task = t, .how = how};
    t->purpose = how->purpose;
    a->req = ward_alloc(&t->mem, how->req->sizeof_message);
    if (a->req == NULL)
        return no_memory(t);
    protobuf_c_message_init(how->req, a->req);
    WARD_TRY(name_options(a));
    WARD_TRY(cli_options(a->opt, &argc, argv, 64, &t->err));
    WARD_TRY(set_options(a));
    WARD_TRY(set_words(a, argc, argv));
    *req = a->req;
    return WARD_OK;
}

static void print(struct task *t, const ProtobufCMessage *msg)
{
    struct cli_json j = {.to = stdout, .sparse = true};

    if (t->cli->json)
        message_json(&j, NULL, msg, &t->mem);
    else
        message_lines(stdout, 0, msg, &t->mem);
    fflush(stdout);
}

static enum ward_code print_each(struct task *t, const ProtobufCMessage *msg, void *arg)
{
    (void)arg;
    print(t, msg);
    return WARD_OK;
}

static enum ward_code call(struct task *t, int argc, char **argv)
{
    const struct cli_method *how = t->arg;
    ProtobufCMessage *req, *resp;

    WARD_TRY(method_request(t, how, argc, argv, &req));
    if (how->stream)
        return task_stream(t, how->path, how->roles, req, how->resp, print_each, NULL);
    WARD_TRY(task_ask(t, how->path, how->roles, req, how->resp, &resp));
    print(t, resp);
    return WARD_OK;
}

/* Extracts the service from a path: "records" from "/ward.records.v1.Records/Read". */
static void service_of(const char *path, char out[NAME_MOST])
{
    snprintf(out, NAME_MOST, "%s", path + strlen("/ward."));
    out[strcspn(out, ".")] = '\0';
}

int method_run(const struct cli *cli, const struct cli_method *how, int argc, char **argv)
{
    char service[NAME_MOST];

    service_of(how->path, service);
    return task_run(cli, service, argc, argv, call, how);
}
