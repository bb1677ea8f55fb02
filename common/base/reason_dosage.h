/* reason_dosage.h - dosage's rows of the table in reason.c, which alone includes it.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef WARD_BASE_REASON_DOSAGE_H
#define WARD_BASE_REASON_DOSAGE_H

#define DOSAGE "dosage"

#define REASONS_DOSAGE                                                                         \
    {"DOSE_UNREADABLE", WARD_DATA_LOSS, DOSAGE,                                                \
     "what is stored does not open with its patient's key, or its row is not what was "        \
     "written",                                                                                \
     "tell operations: restore from a backup"},                                                \
        {"DOSE_UNIT", WARD_INVALID_ARGUMENT, DOSAGE,                                           \
         "the unit is no UCUM code, or no amount of this drug",                                \
         "give the dose in the drug's own unit, or in one a strength of the product "          \
         "converts"},                                                                          \
        {"DOSE_VALUE", WARD_INVALID_ARGUMENT, DOSAGE,                                          \
         "the amount is no exact decimal above 0", "send the number as text: \"0.5\""},        \
        {"TIMING_INVALID", WARD_INVALID_ARGUMENT, DOSAGE,                                      \
         "the timing contradicts itself or has a field out of its range",                      \
         "see Timing in datatypes.proto; PreviewTiming shows what one means"},                 \
        {"TIME_ZONE_UNKNOWN", WARD_INVALID_ARGUMENT, DOSAGE,                                   \
         "there is no IANA time zone of this name", "use a name like Europe/Berlin"},          \
        {"RULE_SET_INVALID", WARD_INVALID_ARGUMENT, DOSAGE, "the rule set contradicts itself", \
         "correct the places that BadRequest names"},                                          \
        {"ENGINE_NEWER", WARD_FAILED_PRECONDITION, DOSAGE,                                     \
         "a newer version of dosage made the decision",                                        \
         "ask a replica that was upgraded, or upgrade this one"},                              \
        {"RULE_SET_NOT_FOUND", WARD_NOT_FOUND, DOSAGE, "there is no rule set of this version", \
         "see ListRuleSets"},                                                                  \
        {"RULE_SET_STATE", WARD_FAILED_PRECONDITION, DOSAGE,                                   \
         "the rule set is not in the state this needs", "see its RuleSetInfo.state"},          \
        {"RULE_SET_CHANGED", WARD_FAILED_PRECONDITION, DOSAGE,                                 \
         "the sha256 is not this rule set's", "read it again, and look at what you approve"},  \
        {"REPLAY_NEEDED", WARD_FAILED_PRECONDITION, DOSAGE,                                    \
         "the rule set was not replayed against past decisions", "call Replay, and look"},     \
        {"SECOND_PHARMACIST_NEEDED", WARD_PERMISSION_DENIED, DOSAGE,                           \
         "who drafted a rule set does not approve it", "have another pharmacist look at it"},  \
        {"NO_RULE_SET", WARD_FAILED_PRECONDITION, DOSAGE,                                      \
         "no rule set is active: nothing can be checked",                                      \
         "draft, replay, approve and activate one"},                                           \
        {"RECORDS_AWAY", WARD_UNAVAILABLE, DOSAGE,                                             \
         "records cannot be asked whether this person may see this patient",                   \
         "try again; at the bedside follow the downtime procedure"},                           \
        {"CHART_UNAVAILABLE", WARD_UNAVAILABLE, DOSAGE,                                        \
         "records cannot be asked for the chart, and the order or dose was not checked by "    \
         "it: "                                                                                \
         "nothing was recorded and no token was spent",                                        \
         "repeat with the same key; or override ward.chart-unavailable with a second person; " \
         "what cannot wait: GiveInEmergency"},                                                 \
        {"IDENTITY_AWAY", WARD_UNAVAILABLE, DOSAGE,                                            \
         "identity cannot be asked to take the token",                                         \
         "repeat with the same key; what cannot wait: GiveInEmergency"},                       \
        {"REASON_UNKNOWN", WARD_INVALID_ARGUMENT, DOSAGE,                                      \
         "the active rule set has no reason of this code for this use",                        \
         "take one of RuleSet.reasons"},                                                       \
        {"OVERRIDE_UNUSED", WARD_INVALID_ARGUMENT, DOSAGE,                                     \
         "an override names a rule that found nothing, or one that nobody may override",       \
         "override what was found, and nothing else"},                                         \
        {"OVERRIDE_ROLE", WARD_PERMISSION_DENIED, DOSAGE,                                      \
         "the reason of an override is not one the caller's roles may give",                   \
         "have somebody decide whose role it is"},                                             \
        {"SECOND_PERSON_NEEDED", WARD_FAILED_PRECONDITION, DOSAGE,                             \
         "two people are needed, and one came", "send the second person's token"},             \
        {"SECOND_PERSON_REFUSED", WARD_PERMISSION_DENIED, DOSAGE,                              \
         "the second person's token is not valid, not of the role that is needed, not for "    \
         "TREAT in the ward, or the caller's own",                                             \
         "have another person sign in"},                                                       \
        {"SECOND_PERSON_OLD", WARD_PERMISSION_DENIED, DOSAGE,                                  \
         "the second person's token was issued more than 5 minutes ago",                       \
         "have the second person sign in again"},                                              \
        {"SECOND_PERSON_USED", WARD_PERMISSION_DENIED, DOSAGE,                                 \
         "the second person's token was used for another act",                                 \
         "have the second person sign in again"},                                              \
        {"PRESCRIBER_NEEDED", WARD_FAILED_PRECONDITION, DOSAGE,                                \
         "a hard stop is overridden on a prescriber's word, and confirmed_by names nobody",    \
         "name the prescriber who confirmed it"},                                              \
        {"PRESCRIBER_REFUSED", WARD_PERMISSION_DENIED, DOSAGE,                                 \
         "confirmed_by is one of the people at the bedside, or not known as a physician",      \
         "name the physician who confirmed it, by the subject of their token"},                \
        {"COSIGNED", WARD_FAILED_PRECONDITION, DOSAGE,                                         \
         "the prescriber signed or disputed the dose before", "see GetAdministration"},        \
        {"ORDER_NOT_FOUND", WARD_NOT_FOUND, DOSAGE,                                            \
         "there is no such order, or the caller may not see its patient", "see ListOrders"},   \
        {"ORDER_STATE", WARD_FAILED_PRECONDITION, DOSAGE,                                      \
         "the order's state does not allow this", "read the order; see OrderState"},           \
        {"ORDER_HAS_DOSES", WARD_FAILED_PRECONDITION, DOSAGE,                                  \
         "doses of the order were given: it is not cancelled or entered in error, nor "        \
         "changed to `ONCE` at another time",                                                  \
         "stop it, and place another for one more dose; correct a dose that did not "          \
         "happen first"},                                                                      \
        {"ORDER_DRAFT", WARD_PERMISSION_DENIED, DOSAGE, "a draft is its prescriber's alone",   \
         "have its prescriber go on with it"},                                                 \
        {"ORDER_OTHER", WARD_FAILED_PRECONDITION, DOSAGE,                                      \
         "the order is of another patient or drug", "name the order the dose is of"},          \
        {"DRUG_CHANGED", WARD_FAILED_PRECONDITION, DOSAGE,                                     \
         "a change may not make it another drug", "stop the order and place another"},         \
        {"DRUG_NOT_FOUND", WARD_NOT_FOUND, DOSAGE,                                             \
         "the active rule set has no such drug or product", "see FindDrugs"},                  \
        {"INGREDIENT_NOT_FOUND", WARD_NOT_FOUND, DOSAGE,                                       \
         "the active rule set has no such ingredient", "see FindDrugs"},                       \
        {"HOME_MEDICINE_NOT_FOUND", WARD_NOT_FOUND, DOSAGE,                                    \
         "the patient has no such MedicationStatement, or the caller may not see it",          \
         "see ListHomeMedicines"},                                                             \
        {"HOME_MEDICINE_CHANGED", WARD_FAILED_PRECONDITION, DOSAGE,                            \
         "the statement has a newer version than the one that the decision is about",          \
         "read it (ListHomeMedicines) and decide again"},                                      \
        {"HOME_MEDICINE_ENDED", WARD_FAILED_PRECONDITION, DOSAGE,                              \
         "the statement does not say that the patient takes the medicine",                     \
         "nothing is to be decided; put its status right in records if it is wrong"},          \
        {"DECISION_NOT_FOUND", WARD_NOT_FOUND, DOSAGE,                                         \
         "there is no such decision, or the caller may not see its patient",                   \
         "see ListDecisions"},                                                                 \
        {"SLOTS_TOO_MANY", WARD_RESOURCE_EXHAUSTED, DOSAGE, "more than 5,000 slots",           \
         "ask for a shorter span"},                                                            \
        {"SLOT_NOT_FOUND", WARD_NOT_FOUND, DOSAGE, "the order has no dose due at this time",   \
         "see ListSlots; the order may have changed"},                                         \
        {"SLOT_TAKEN", WARD_ALREADY_EXISTS, DOSAGE, "this slot is charted already",            \
         "look at the chart: do not give it again"},                                           \
        {"SLOT_EARLY", WARD_FAILED_PRECONDITION, DOSAGE, "the slot's window has not begun",    \
         "wait; what cannot wait needs another order"},                                        \
        {"SLOT_OVER", WARD_FAILED_PRECONDITION, DOSAGE,                                        \
         "the slot's window has ended, or the order was on hold or ended then",                \
         "chart it as not given; what is still needed needs another order"},                   \
        {"PRN_LIMIT", WARD_FAILED_PRECONDITION, DOSAGE,                                        \
         "as many doses as the order allows were given, or the last one is too recent",        \
         "wait, or ask the prescriber"},                                                       \
        {"WARD_NOT_YOURS", WARD_PERMISSION_DENIED, DOSAGE, "the person works in another ward", \
         "have somebody ask who works there"},                                                 \
        {"WARD_NOT_FOUND", WARD_NOT_FOUND, DOSAGE, "the ward has no clock",                    \
         "have a dosage-admin call SetWard"},                                                  \
        {"DUE_FULL", WARD_RESOURCE_EXHAUSTED, DOSAGE,                                          \
         "WARD_DUE_FOLLOWERS follow due doses on this replica",                                \
         "try another replica, or call ListDue"},                                              \
        {"SCAN_UNREADABLE", WARD_INVALID_ARGUMENT, DOSAGE,                                     \
         "what was scanned is no barcode of a kind that is known, or its check digit is "      \
         "wrong",                                                                              \
         "scan again; type nothing in"},                                                       \
        {"PPID_NEEDED", WARD_FAILED_PRECONDITION, DOSAGE,                                      \
         "a dose is given to a verified patient only",                                         \
         "verify the patient, by face or by wristband and second identifier"},                 \
        {"ADMINISTRATION_NOT_FOUND", WARD_NOT_FOUND, DOSAGE,                                   \
         "there is no such dose, or the caller may not see its patient", "see GetMar"},        \
        {"ACKNOWLEDGED", WARD_FAILED_PRECONDITION, DOSAGE, "the dose was acknowledged before", \
         "see GetAdministration"},                                                             \
        {"NOT_EMERGENCY", WARD_FAILED_PRECONDITION, DOSAGE,                                    \
         "the dose was not given in an emergency", "nothing: it needs no acknowledgement"},    \
        {"WORKAROUND_NOT_FOUND", WARD_NOT_FOUND, DOSAGE, "there is no such finding",           \
         "see ListWorkarounds"},                                                               \
        {"WORKAROUND_REVIEWED", WARD_FAILED_PRECONDITION, DOSAGE,                              \
         "the finding was reviewed before", "see ListWorkarounds with_reviewed"},              \
        {"REVIEW_OWN", WARD_PERMISSION_DENIED, DOSAGE, "the finding is about the caller",      \
         "have another person review it"},                                                     \
        {"PACK_TOO_LARGE", WARD_RESOURCE_EXHAUSTED, DOSAGE, "the pack has more than 6 MiB",    \
         "ask for fewer hours"},                                                               \
        {"PACK_INVALID", WARD_UNAUTHENTICATED, DOSAGE,                                         \
         "the pack is not signed by this service, or was changed",                             \
         "send the pack as it was given out"},                                                 \
        {"CONFLICT_NOT_FOUND", WARD_NOT_FOUND, DOSAGE, "there is no such conflict",            \
         "see ListConflicts"},                                                                 \
        {"CONFLICT_RESOLVED", WARD_FAILED_PRECONDITION, DOSAGE,                                \
         "the conflict was resolved before", "see ListConflicts"},

#endif
