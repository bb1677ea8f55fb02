'use strict';
// Rows of clinical/cases*.tsv: a patient, an order and what is beside it, and exactly the findings that must come, with numbers
// worked out by hand. A row in full:
//   40y 80kg 180cm male scr=1.1 egfr=60 allergy=penicillin | paracetamol 1000mg IV q6h for=5d calc=10mg/kg@80kg |
//   run ibuprofen 400mg PO q8h; given paracetamol 1000mg 300min; life doxorubicin 950mg | HARD rule [what actual limit]; WARN rule

const { NOON, DAY, creatinineFor, orderOf, givenOf, runningOf, snapshotOf } = require('./clinical_patient');
const { readTables, daysOf } = require('./clinical_doses');

const quantity = (text) => {
  const [, value, unit] = /^([\d.]+)(.+)$/.exec(text);
  return { value, unit };
};
const hours = (text) => Number(text.replace('h', ''));

const WORDS = {
  noweight: { kg: null }, noheight: { cm: null }, nocreatinine: { creatinine: null }, noage: { birth: '' }, noallergies: { allergies: [] },
  male: { sex: 'male' }, female: { sex: 'female' },
};

function patientOf(text) {
  const p = { days: 14700, kg: '80', cm: '180', ages: {} };
  for (const word of text.split(' ')) {
    const [key, value] = word.split('=');
    if (WORDS[word]) Object.assign(p, WORDS[word]);
    else if (key === 'scr') p.creatinine = /[a-z]/.test(value) ? value.replace(/([\d.])([a-z])/, '$1 $2') : value;
    else if (key === 'crcl') p.crcl = Number(value);
    else if (key === 'egfr') p.egfr = value;
    else if (key === 'allergy') p.allergies = [{ text: value, record_id: 'allergy' }];
    else if (key === 'weightage') p.ages.weight = hours(value);
    else if (key === 'scrage') p.ages.creatinine = hours(value);
    else if (key === 'weights') p.weights = value.split(',').map((w) => w.replace('kg@', ' kg@').split('@')).map(([w, ago]) => [w, hours(ago)]);
    else if (word.endsWith('kg')) p.kg = word.slice(0, -2);
    else if (word.endsWith('cm')) p.cm = word.slice(0, -2);
    else p.days = word === '40y' ? 14700 : daysOf(word);
  }
  if (p.crcl) p.creatinine = creatinineFor(p.crcl, p.days, Number(p.kg));
  return p;
}

function timingOf(word) {
  if (word === 'once') return { kind: 'KIND_ONCE' };
  if (word === 'cont') return { kind: 'KIND_CONTINUOUS' };
  return { kind: 'KIND_INTERVAL', interval_minutes: Number(/^q(\d+)h$/.exec(word)[1]) * 60 };
}

function prescriptionOf(text) {
  const [drug, dose, route, timing, ...more] = text.split(' '); // more: for=5d product=... calc=10mg/kg@80kg in=100mL over=60min
  const p = orderOf(drug, quantity(dose), route, { timing: timingOf(timing) });
  for (const word of more) {
    const [key, value] = word.split('=');
    if (key === 'for') p.ends_at_us = NOON + daysOf(value) * DAY;
    else if (key === 'product') p.product_id = value;
    else if (key === 'in') p.volume = quantity(value);
    else if (key === 'over') p.infuse_over_minutes = Number(value.replace('min', ''));
    else if (key === 'calc') p.calculated_from = { per: quantity(value.split('@')[0]), weight: quantity(value.split('@')[1]) };
    else throw new Error(`not understood: ${word}`);
  }
  return p;
}

function othersOf(text) {
  const others = { running: [], given: [], lifetime: [] };
  for (const one of text.split(';').map((s) => s.trim()).filter(Boolean)) {
    const [kind, ...rest] = one.split(' ');
    if (kind === 'run') others.running.push(runningOf(prescriptionOf(rest.join(' ')), others.running.length));
    else if (kind === 'life') others.lifetime.push({ ingredient: rest[0], amount: quantity(rest[1]) });
    else others.given.unshift(givenOf(rest[0], quantity(rest[1]), Number(rest[2].replace('min', ''))));
  }
  others.given.sort((a, b) => a.given_at_us - b.given_at_us);
  return others;
}

// "HARD rule [what actual limit][...]; WARN rule" or "none".
const expectedOf = (text) => (text === 'none' ? [] : text.split(';').map((s) => s.trim()).map((s) => {
  const [, severity, rule, rest] = /^(\w+) (\S+)\s*(.*)$/.exec(s);
  const numbers = [...rest.matchAll(/\[(\S+) (\S+) (\S+)\]/g)].map(([, what, actual, limit]) => ({ what, actual, limit }));
  return { severity: `SEVERITY_${severity}`, rule, numbers };
}));

// Reminders to measure something come with many drugs: context.tsv has them.
const isReminder = (f) => f.severity === 'SEVERITY_INFO' && f.rule_id.startsWith('monitor-');

function wrongOf(expected, decision) {
  if (decision.error) return `no decision: ${decision.error}`;
  const short = (list) => list.sort().join(', ') || 'nothing';
  const want = short(expected.map((e) => `${e.severity} ${e.rule}`));
  const got = short(decision.findings.filter((f) => !isReminder(f)).map((f) => `${f.severity} ${f.rule_id}`));
  if (want !== got) return `expected ${want}; found ${got}`;
  for (const e of expected) {
    const all = decision.findings.find((f) => f.rule_id === e.rule).compared;
    for (const n of e.numbers) {
      const c = all.find((x) => x.what === n.what);
      if (!c || Number(c.actual.value) !== Number(n.actual) || Number(c.limit.value) !== Number(n.limit)) {
        return `${e.rule} ${n.what}: expected ${n.actual} against ${n.limit}, compared ${JSON.stringify(c ?? all)}`;
      }
    }
  }
  return null;
}

const caseChecks = () => readTables('cases').map((row) => {
  const expected = expectedOf(row.expected);
  return {
    id: row.id, row, rules: SLIPS, expected, patient: patientOf(row.patient), prescription: prescriptionOf(row.order), others: othersOf(row.others),
    snapshot: snapshotOf(patientOf(row.patient), prescriptionOf(row.order), othersOf(row.others)),
    wrong: (d) => wrongOf(expected, d),
  };
});
// Rules that only cases speak of: any of them may fail for a mutant of these.
const SLIPS = [
  'tenfold', 'policy-weight-jump', 'policy-not-as-calculated', 'policy-weight-differs', 'weight-for-age', 'height-for-age', 'policy-weight-adult-range',
  'policy-height-adult-range', 'policy-body-mass-adult',
];

module.exports = { caseChecks };
