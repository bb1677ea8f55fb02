/* Not built yet. */
#include "services/dosage/chart/chart.h"

enum ward_code charts_open(struct dosage *dos, struct charts **out, struct ward_err *err)
{
    (void)dos, (void)out, (void)err;
    return WARD_OK;
}

void charts_close(struct charts *ch)
{
    (void)ch;
}

const Ward__Dosage__V1__Facts *chart_kept(struct charts *ch, struct ward_arena *mem,
                                          const uint8_t id[DOSAGE_ID])
{
    (void)ch, (void)mem, (void)id;
    return NULL;
}

double charts_feed_age_s(struct charts *ch)
{
    (void)ch;
    return 0;
}
