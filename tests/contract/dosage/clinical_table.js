'use strict';
// All rows of clinical/*.tsv as checks: { id, rule or rules, snapshot, wrong(decision) → null or a sentence }.

const { readTables, checksOf } = require('./clinical_doses');
const rules = require('./clinical_rules');
const { caseChecks } = require('./clinical_cases');
const { pairChecks } = require('./clinical_pairs');
const { usualChecks } = require('./clinical_usual');
const { contextChecks } = require('./clinical_context');

const groups = {
  'dose rules': () => readTables('doses_').flatMap(checksOf),
  interactions: rules.interactionChecks,
  'interactions by route, dose and age': pairChecks,
  'the published list of interactions': rules.oncChecks,
  duplicates: rules.duplicateChecks,
  allergies: rules.allergyChecks,
  'usual doses': usualChecks,
  'how old measurements may be': rules.freshChecks,
  'what the chart says': contextChecks,
  cases: caseChecks,
};
const allChecks = () => Object.values(groups).flatMap((make) => make());

module.exports = { groups, allChecks };
