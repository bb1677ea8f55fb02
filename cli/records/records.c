/* wardctl records - commands for the chart, one row for each method. */
#include "cli/call/method.h"

#include "ward/records/v1/analytics.pb-c.h"
#include "ward/records/v1/records.pb-c.h"

#include <string.h>

static const char *const CLERK[] = {"physician", "registrar", NULL};
static const char *const ANY[] = {"physician", "registrar", NULL};
static const char *const PHYSICIAN[] = {"physician", NULL};
static const char *const ANALYST[] = {"analyst", NULL};

typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__Parameter Parameter;

/* Sets search parameters such as "date=ge2020-01-01" or "code:not=8867-4,8480-6"; "name=-"
 * reads a line of standard input. */
static enum ward_code set_parameters(struct task *t, ProtobufCMessage *msg, int n, char **words)
{
    SearchRequest *req = (SearchRequest *)msg;
    struct ward_arena *mem = &t->mem;

    req->parameters = ward_alloc(mem, (size_t)n * sizeof(Parameter *));
    for (int i = 0; i < n; i++) {
        char *value = strchr(words[i], '='), *modifier;
        const char *given;
        Parameter *p = ward_new(mem, Parameter);

        if (value == NULL)
            return task_wrong(t, "a parameter must be name=value, such as \"code=8867-4\"");
        if (p == NULL || req->parameters == NULL)
            return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the request");
        *value++ = '\0';
        WARD_TRY(task_secret(t, value, &given));
        ward__records__v1__parameter__init(p);
        modifier = strchr(words[i], ':');
        if (modifier != NULL) {
            *modifier++ = '\0';
            p->modifier = modifier;
        }
        p->name = words[i];
        WARD_TRY(message_set(
            &p->base,
            protobuf_c_message_descriptor_get_field_by_name(p->base.descriptor, "values"),
            given, mem, &t->err));
        req->parameters[req->n_parameters++] = p;
    }
    return WARD_OK;
}

METHOD_COMMAND(create, .path = "/ward.records.v1.Records/Create",
               .req = &ward__records__v1__create_request__descriptor,
               .resp = &ward__records__v1__create_response__descriptor, .roles = CLERK,
               .purpose = "TREAT", .file = "resource")
METHOD_COMMAND(read_one, .path = "/ward.records.v1.Records/Read",
               .req = &ward__records__v1__read_request__descriptor,
               .resp = &ward__records__v1__read_response__descriptor, .roles = ANY,
               .purpose = "TREAT", .words = {"kind", "id"})
METHOD_COMMAND(update, .path = "/ward.records.v1.Records/Update",
               .req = &ward__records__v1__update_request__descriptor,
               .resp = &ward__records__v1__update_response__descriptor, .roles = CLERK,
               .purpose = "TREAT", .words = {"expected_version"}, .file = "resource")
METHOD_COMMAND(history, .path = "/ward.records.v1.Records/History",
               .req = &ward__records__v1__history_request__descriptor,
               .resp = &ward__records__v1__history_response__descriptor, .roles = ANY,
               .purpose = "TREAT", .words = {"kind", "id"})
METHOD_COMMAND(read_version, .path = "/ward.records.v1.Records/ReadVersion",
               .req = &ward__records__v1__read_version_request__descriptor,
               .resp = &ward__records__v1__read_version_response__descriptor, .roles = ANY,
               .purpose = "TREAT", .words = {"kind", "id", "version"})
METHOD_COMMAND(entered_in_error, .path = "/ward.records.v1.Records/MarkEnteredInError",
               .req = &ward__records__v1__mark_entered_in_error_request__descriptor,
               .resp = &ward__records__v1__mark_entered_in_error_response__descriptor,
               .roles = CLERK, .purpose = "TREAT", .words = {"kind", "id", "expected_version"})
METHOD_COMMAND(search, .path = "/ward.records.v1.Records/Search",
               .req = &ward__records__v1__search_request__descriptor,
               .resp = &ward__records__v1__search_response__descriptor, .roles = ANY,
               .purpose = "TREAT", .words = {"kind"}, .rest = set_parameters)
METHOD_COMMAND(directory, .path = "/ward.records.v1.Records/ListDirectory",
               .req = &ward__records__v1__list_directory_request__descriptor,
               .resp = &ward__records__v1__list_directory_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT", .words = {"type"})
METHOD_COMMAND(batch, .path = "/ward.records.v1.Records/Batch",
               .req = &ward__records__v1__batch_request__descriptor,
               .resp = &ward__records__v1__batch_response__descriptor, .roles = CLERK,
               .purpose = "TREAT", .file = "entries")
METHOD_COMMAND(series, .path = "/ward.records.v1.Analytics/GetSeries",
               .req = &ward__records__v1__get_series_request__descriptor,
               .resp = &ward__records__v1__get_series_response__descriptor, .roles = ANALYST,
               .purpose = "HOPERAT", .words = {"measure", "of"})

const struct cli_command cli_records_commands[] = {
    {"records create", "[--ward W] [--if-none-exist JSON] [--key KEY] FILE.json",
     "create a resource from JSON, in the form that --json prints", create},
    {"records read", "[--ward W] KIND ID", "read the current version of a resource", read_one},
    {"records update", "[--ward W] [--key KEY] VERSION FILE.json",
     "write the next version of a resource", update},
    {"records history", "[--ward W] [--with-leaves true] [--versions-only true] KIND ID",
     "list all versions of a resource, newest first", history},
    {"records read-version", "[--ward W] KIND ID VERSION", "print one version of a resource",
     read_version},
    {"records entered-in-error", "[--ward W] --reason TEXT KIND ID VERSION",
     "mark a resource as entered in error; its history remains", entered_in_error},
    {"records search",
     "[--ward W] [--order date-asc] [--total bounded] [--page-token T] KIND "
     "NAME[:MODIFIER]=VALUE...",
     "search for resources: birthdate=ge1950; name=- reads a line of standard input", search},
    {"records directory", "[--page-size N] [--page-token T] TYPE",
     "list resources without a patient: Organization, Practitioner, Location", directory},
    {"records batch", "[--ward W] [--key KEY] FILE.json",
     "write all entries of a JSON array, or none", batch},
    {"records series",
     "--by month[,gender] [--code SYSTEM|CODE] [--ward W] patients conditions",
     "count patients and conditions for a dashboard", series},
    {0},
};
