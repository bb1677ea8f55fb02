#include "services/dosage/track/track.h"

/* A dose before the start of its window is not on time either, and is counted as late. */
static void given(Adherence *a, const Slot *slot, const Dose *d)
{
    if (d->given_at_us >= slot->window_from_us && d->given_at_us < slot->on_time_until_us)
        a->on_time++;
    else
        a->late++;
}

static void charted_as(Adherence *a, const Slot *slot, const Dose *d)
{
    switch (d->outcome) {
    case WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN:
        given(a, slot, d);
        break;
    case WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_PARTIAL:
        a->partial++;
        break;
    case WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_HELD:
        a->held++;
        break;
    case WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_REFUSED:
        a->refused++;
        break;
    case WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_WASTED:
        a->wasted++;
        break;
    default: /* no other outcome is written */
        break;
    }
}

void adherence_add(Adherence *a, const Slot *slot, const Dose *charted)
{
    a->due++;
    if (charted != NULL)
        charted_as(a, slot, charted);
    else if (slot->state == WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_SKIPPED)
        a->skipped++;
    else
        a->missed++;
}
