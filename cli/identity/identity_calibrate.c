/* wardctl identity calibrate - measures thresholds on a site's own enrolled pairs and writes a
 * file for WARD_CALIBRATION. */
#include "cli/identity/identity_call.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__CalibrateRequest CalibrateRequest;
typedef Ward__Identity__V1__CalibrateResponse CalibrateResponse;
typedef Ward__Identity__V1__CalibrationPoint CalibrationPoint;
typedef Ward__Identity__V1__CalibrationBand CalibrationBand;

#define SITE_MOST   120
#define POINTS_MOST 16
#define FMR_DEFAULT 1e-4 /* the default rate of Verify */

static const char *const ADMIN[] = {"identity-admin", NULL};

struct calibrating {
    const char *kind, *out, *site, *most;
    char date[28];
};

static void write_points(FILE *f, const char *name, CalibrationPoint **p, size_t n)
{
    fprintf(f, ",\n  \"%s\": [\n", name);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "    {\"fmr\": %.10g, \"threshold\": %.10g, \"tar\": %.10g}%s\n", p[i]->fmr,
                p[i]->threshold, p[i]->tar, i + 1 < n ? "," : "");
    fputs("  ]", f);
}

static void write_bands(FILE *f, const CalibrateResponse *r)
{
    fputs(",\n  \"groups\": [\n", f);
    for (size_t i = 0; i < r->n_bands; i++) {
        const CalibrationBand *b = r->bands[i];

        fprintf(f,
                "    {\"name\": \"ages %s\", \"people\": %lld, \"pairs\": %lld, \"matched\": [",
                b->ages, (long long)b->subjects, (long long)b->impostor);
        for (size_t k = 0; k < b->n_matched; k++)
            fprintf(f, "%s%lld", k == 0 ? "" : ", ", (long long)b->matched[k]);
        fprintf(f, "]}%s\n", i + 1 < r->n_bands ? "," : "");
    }
    fputs("  ]", f);
}

/* Writes the format that services/identity reads, with the shortest decimal text for each
 * number. */
static void write_file(FILE *f, const struct calibrating *c, const CalibrateResponse *r)
{
    char source[400];
    struct cli_json j = {.to = f};

    snprintf(source, sizeof(source),
             "%s: enrolled %s of this site, %lld subjects, %lld genuine and %lld impostor "
             "pairs, measured %.10s by wardctl identity calibrate. Templates that did not "
             "match their subject were never enrolled, so acceptance in use is lower.",
             c->site, strcmp(c->kind, "staff") == 0 ? "staff" : "patients",
             (long long)r->subjects, (long long)r->genuine, (long long)r->impostor, c->date);
    fputs("{\n  ", f);
    /* the outer brace is already written; each member is on a line of its own, as in the file
     * of a pack */
    j.depth = 1;
    cli_json_text(&j, "model_sha256", r->model_sha256);
    fputs(",\n  ", f);
    j.comma = false;
    cli_json_text(&j, "source", source);
    fprintf(f, ",\n  \"date\": \"%.10s\",\n  \"n_genuine\": %lld,\n  \"n_impostor\": %lld",
            c->date, (long long)r->genuine, (long long)r->impostor);
    write_points(f, "points", r->points, r->n_points);
    write_points(f, "mixed", r->mixed, r->n_mixed);
    if (r->n_bands > 0)
        write_bands(f, r);
    fputs("\n}\n", f);
}

static double smallest(const CalibrateResponse *r)
{
    return r->n_points == 0 ? 1 : r->points[r->n_points - 1]->fmr;
}

static void print_table(struct task *t, const struct calibrating *c, const CalibrateResponse *r)
{
    printf("%lld subjects, %lld genuine and %lld impostor pairs\n\n", (long long)r->subjects,
           (long long)r->genuine, (long long)r->impostor);
    printf("one false match in   threshold   accepted   based on\n");
    for (size_t i = 0; i < r->n_points; i++)
        printf("%18.0f   %9.4f   %7.2f%%   %lld impostor pairs\n", 1 / r->points[i]->fmr,
               r->points[i]->threshold, 100 * r->points[i]->tar,
               (long long)r->points[i]->impostors);
    for (size_t i = 0; i < r->n_bands; i++)
        printf("%sages %-6s %6lld people, %lld pairs\n",
               i == 0 ? "\nthe false-match rates also hold within these groups\n" : "",
               r->bands[i]->ages, (long long)r->bands[i]->subjects,
               (long long)r->bands[i]->impostor);
    if (r->n_bands == 0)
        printf("\n%sno years of birth are recorded, so there are no figures for age groups%s\n",
               cli_paint(t->cli, CLI_WARN), cli_paint(t->cli, CLI_PLAIN));
    printf("\nwritten to %s; to use it, set WARD_CALIBRATION=%s and restart identity\n", c->out,
           c->out);
    if (smallest(r) > FMR_DEFAULT * 1.000001)
        printf("%sThere are too few pairs for one false match in 10000, the default of Verify, "
               "so Verify would be refused with this file. More subjects are needed.%s\n",
               cli_paint(t->cli, CLI_WARN), cli_paint(t->cli, CLI_PLAIN));
    printf("event      %s\n", r->event_id);
}

static enum ward_code fill(struct task *t, struct calibrating *c, CalibrateRequest *req)
{
    if (c->out == NULL || c->site == NULL || *c->site == '\0' || strlen(c->site) > SITE_MOST)
        return task_wrong(t,
                          "--kind patient|staff, --site NAME (for the file's source, at most "
                          "120 bytes) and --out FILE are needed");
    WARD_TRY(id_kind(t, c->kind, &req->kind));
    if (!ward_i64(c->most, 0, INT64_C(200000000), &req->most_pairs))
        return task_wrong(t, "--most-pairs must be at most 200000000");
    return WARD_OK;
}

static enum ward_code calibrate(struct task *t, int argc, char **argv)
{
    CalibrateRequest req = WARD__IDENTITY__V1__CALIBRATE_REQUEST__INIT;
    struct calibrating c = {.most = "0"};
    const struct cli_opt opts[] = {
        {"--kind", &c.kind, NULL, "patient or staff"},
        {"--site", &c.site, NULL, "name of the site, for the file's source"},
        {"--out", &c.out, NULL, "output file"},
        {"--most-pairs", &c.most, NULL, "number of impostor pairs to compare"},
        {0},
    };
    const CalibrateResponse *resp;
    ProtobufCMessage *msg = NULL;
    enum ward_code code;
    FILE *f;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    WARD_TRY(fill(t, &c, &req));
    t->called = true;
    /* created now, so that a failure is reported before minutes of work */
    WARD_TRY(task_create(t, c.out, &f));
    cli_progress(t->cli, "comparing pairs, up to ten minutes", 0, 0);
    code = task_ask(t, ADMIN_PATH("Calibrate"), ADMIN, &req.base,
                    &ward__identity__v1__calibrate_response__descriptor, &msg);
    cli_progress_end(t->cli);
    resp = (const CalibrateResponse *)msg;
    if (code == WARD_OK && (resp->n_points < 2 || resp->n_points > POINTS_MOST))
        code = WARD_FAIL(&t->err, FAILED_PRECONDITION,
                         "%zu points are not enough for a table; more subjects are needed",
                         resp->n_points);
    if (code == WARD_OK) {
        ward_rfc3339(ward_wall_us(), c.date);
        write_file(f, &c, resp);
    }
    WARD_TRY(task_created(t, c.out, f, code));
    if (!task_json(t, msg))
        print_table(t, &c, resp);
    return WARD_OK;
}

ID_COMMAND(calibrate)

const struct cli_command cli_identity_calibrate_commands[] = {
    {"identity calibrate", "--kind patient|staff --site NAME --out FILE [--most-pairs N]",
     "measure thresholds on the subjects of this site, and write a calibration file",
     calibrate_command},
    {0},
};
