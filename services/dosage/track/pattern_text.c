#include "services/dosage/track/patterns.h"

#define KIND(name) WARD__DOSAGE__V1__WORKAROUND_KIND__WORKAROUND_KIND_##name

static char *english_habit(const struct pattern *p, struct ward_arena *mem)
{
    switch (p->kind) {
    case KIND(RECONCILE_HABIT):
        return ward_printf(mem,
                           "In 7 days, one person entered %d doses from paper that were given "
                           "while the service answered the ward.",
                           p->count);
    case KIND(EMERGENCY_HABIT):
        return ward_printf(mem,
                           "In 7 days, one person gave %d emergency doses of one drug, and "
                           "acknowledged %d of these doses alone.",
                           p->count, p->own);
    case KIND(EMERGENCY_UNORDERED):
        return ward_printf(mem, "The check found a hard stop for a dose given in an emergency, "
                                "and no order for the dose was written in time.");
    case KIND(CONFIRMATION_DISPUTED):
        return ward_printf(mem,
                           "A finding was overridden at the bedside because a prescriber "
                           "confirmed the dose, and the prescriber disputes the confirmation.");
    case KIND(CORRECTION_HABIT):
        return ward_printf(
            mem, "In 24 hours, one person withdrew %d doses that the person had charted.",
            p->count);
    case KIND(SECOND_PERSON_HABIT):
        if (p->out_of > 0)
            return ward_printf(mem,
                               "%d of %d doses that two people gave in 24 hours had the same "
                               "second person.",
                               p->count, p->out_of);
        return ward_printf(mem,
                           "%d consecutive doses had the same second person, each within 60 "
                           "seconds of the previous dose.",
                           p->count);
    default:
        return ward_printf(mem, "%s", "");
    }
}

static char *english(const struct pattern *p, struct ward_arena *mem)
{
    switch (p->kind) {
    case KIND(TOKEN_REUSED):
        return ward_printf(mem,
                           "A used token, or a token for another patient or place, was "
                           "presented %d times within 12 hours.",
                           p->count);
    case KIND(ONE_PLACE_MANY_PATIENTS):
        return ward_printf(mem, "%d patients were verified at one place within 60 seconds.",
                           p->count);
    case KIND(BATCH):
        return ward_printf(mem, "One person charted doses of %s within 60 seconds: %d doses.",
                           p->threshold == BATCH_PATIENTS ? "many patients" : "one round",
                           p->count);
    case KIND(NOT_SCANNED):
        return ward_printf(mem,
                           "%d of %d doses given by one person in 24 hours were not scanned.",
                           p->count, p->out_of);
    case KIND(OVERRIDE_HABIT):
        return ward_printf(mem, "Rule %s was overridden %d of %d times in 7 days.", p->rule_id,
                           p->count, p->out_of);
    case KIND(EMERGENCY_LATE):
        return ward_printf(mem, "A dose given in an emergency was not acknowledged in time.");
    default:
        return english_habit(p, mem);
    }
}

static char *chinese_habit(const struct pattern *p, struct ward_arena *mem)
{
    switch (p->kind) {
    case KIND(RECONCILE_HABIT):
        return ward_printf(mem, "同一人7天内补录%d次纸质给药记录,而给药当时系统可正常使用。",
                           p->count);
    case KIND(EMERGENCY_HABIT):
        return ward_printf(mem, "同一人7天内经紧急途径给予同一药品%d次,其中%d次由其本人确认。",
                           p->count, p->own);
    case KIND(EMERGENCY_UNORDERED):
        return ward_printf(mem, "一次紧急给药触发了禁止级警示,且未在规定时间内补开医嘱。");
    case KIND(CONFIRMATION_DISPUTED):
        return ward_printf(mem,
                           "床旁以“医师已确认”为由越过警示给药,而被指明的医师否认曾经确认。");
    case KIND(CORRECTION_HABIT):
        return ward_printf(mem, "同一人24小时内撤销本人的给药记录%d次。", p->count);
    case KIND(SECOND_PERSON_HABIT):
        if (p->out_of > 0)
            return ward_printf(mem, "24小时内双人核对给药%d次,其中%d次由同一人核对。",
                               p->out_of, p->count);
        return ward_printf(mem, "连续%d次给药由同一人复核,每次间隔不超过60秒。", p->count);
    default:
        return ward_printf(mem, "%s", "");
    }
}

static char *chinese(const struct pattern *p, struct ward_arena *mem)
{
    switch (p->kind) {
    case KIND(TOKEN_REUSED):
        return ward_printf(mem, "12小时内%d次使用了他人、他处或已用过的患者核验令牌。",
                           p->count);
    case KIND(ONE_PLACE_MANY_PATIENTS):
        return ward_printf(mem, "60秒内在同一地点核验了%d名患者。", p->count);
    case KIND(BATCH):
        return ward_printf(mem, "同一人在60秒内批量记录给药:%s%d。",
                           p->threshold == BATCH_PATIENTS ? "患者数" : "给药次数", p->count);
    case KIND(NOT_SCANNED):
        return ward_printf(mem, "同一人24小时内给药%d次,其中%d次未扫码。", p->out_of, p->count);
    case KIND(OVERRIDE_HABIT):
        return ward_printf(mem, "规则%s在7天内触发%d次,其中%d次被越过。", p->rule_id, p->out_of,
                           p->count);
    case KIND(EMERGENCY_LATE):
        return ward_printf(mem, "一次紧急给药未在规定时间内确认。");
    default:
        return chinese_habit(p, mem);
    }
}

enum ward_code pattern_text(const struct pattern *p, struct ward_arena *mem,
                            Ward__Dosage__V1__Sentence **out, struct ward_err *err)
{
    Ward__Dosage__V1__Sentence *s = ward_new(mem, Ward__Dosage__V1__Sentence);

    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a sentence");
    ward__dosage__v1__sentence__init(s);
    s->en = english(p, mem);
    s->zh = chinese(p, mem);
    if (s->en == NULL || s->zh == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a sentence");
    *out = s;
    return WARD_OK;
}
