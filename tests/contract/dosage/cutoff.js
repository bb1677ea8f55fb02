'use strict';
// What the tests of tracking and downtime share: wards with clocks, packs, what a paper says, exact sums.

const crypto = require('node:crypto');
const { uuid, dose } = require('./site');
const bedside = require('./bedside');

const WARDS = { 'ward-3': 'Asia/Shanghai', 'ward-4': 'Asia/Shanghai', berlin: 'Europe/Berlin' };
const US = { minute: 60e6, hour: 3600e6, day: 864e5 * 1000 };
const nowUs = () => Date.now() * 1000;

async function setWards(site, wards = WARDS) {
  for (const [ward, time_zone] of Object.entries(wards)) {
    await site.api('dosageadmin').call('SetWard',
      { idempotency_key: site.key(), ward: { ward, time_zone, before_minutes: 60, after_minutes: 60 } }, site.tokens['dosage-admin']);
  }
}
// The nurses that papers name are people whom the service has seen, as every nurse of a ward is after a first shift.
async function known(site) {
  await setWards(site);
  for (const sub of ['nurse-8', 'nurse-9']) await site.api('doses').call('ListUnacknowledged', { ward: 'elsewhere' }, site.as('nurse', { sub, ward: 'elsewhere' }));
  return site;
}
const start = async (options) => known(await bedside.start(options));
const shared = async (options) => known(await bedside.shared(options));

// As after an outage until now: no replica answered a nurse of ward-3. Lines of paper are written before it, so that what is in their
// memory keeps the replicas from writing that minute again.
async function outage(site, patient, replicas = ['dosage', 'dosage2']) {
  for (const on of replicas) await site.api('schedule', { on }).call('ListSlots', { patient_id: patient.id }, site.who('nurse'));
  await site.sql("DELETE FROM ward_answered WHERE ward = 'ward-3'");
}

const getPack = (site, { ward = 'ward-3', hours = 0, by = 'nurse', on } = {}) => site.api('downtime', { on }).call('GetPack', { ward, hours }, site.who(by));
const read = (pack) => JSON.parse(Buffer.from(pack.split('.')[1], 'base64url'));
const header = (pack) => JSON.parse(Buffer.from(pack.split('.')[0], 'base64url'));

// Places it, and overrides what stands in the way (the same drug twice): the order.
async function anyway(site, patient, p, more = {}) {
  const first = await site.place(patient, p, more);
  if (first.placed) return first.order;
  return bedside.placed(site, patient, p, { ...more, overrides: first.open.map((rule_id) => ({ rule_id, reason_code: 'benefit' })) });
}

// A line of the paper: what was ordered, given an hour ago, by the book but for `more`.
const paper = (patient, order, more = {}) => ({
  entry_id: uuid(), patient_id: patient.id, order_id: order?.order_id ?? '', slot_id: '', outcome: 'DOSE_OUTCOME_GIVEN', drug_id: order?.prescription.drug_id ?? '',
  dose: order?.prescription.dose, route: order?.prescription.route ?? 'ROUTE_PO', given_at_us: String(nowUs() - US.hour), given_by: 'nurse-9', ...more,
});
// The drug that no rule minds, given at a time with no order to it.
const loose = (patient, text, at_us, more = {}) => paper(patient, null, { drug_id: 'plainin', dose: dose(text), given_at_us: String(at_us), ...more });

const reconcile = (site, pack, doses, { by = 'nurse', on, key = site.key() } = {}) =>
  site.api('downtime', { on }).call('Reconcile', { idempotency_key: key, pack, doses }, site.who(by)).then((a) => a.results);
// Brings it in, and says of each what became of it; throws where something was not recorded.
async function history(site, doses, more = {}) {
  const { pack } = await getPack(site, more);
  const results = await reconcile(site, pack, doses, more);
  const lost = results.filter((r) => !/RECORDED|CONFLICT/.test(r.state));
  if (lost.length) throw new Error(`not recorded: ${JSON.stringify(lost)}`);
  return results;
}

// ---- exact decimals, by whole numbers ----

// "-0.250" -> { n: -250n, e: 3 }
function exact(text) {
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  return { n: BigInt(`${sign}${whole}${part}`), e: part.length };
}
const scaled = ({ n, e }, to) => n * 10n ** BigInt(to - e);
function sum(texts) {
  const all = texts.map(exact);
  const e = Math.max(0, ...all.map((x) => x.e));
  return shown({ n: all.reduce((s, x) => s + scaled(x, e), 0n), e });
}
const times = (text, k) => { const x = exact(text); return shown({ n: x.n * BigInt(k), e: x.e }); };
// Without zeros at the end, as one value has one form.
function shown({ n, e }) {
  const digits = (n < 0n ? -n : n).toString().padStart(e + 1, '0');
  const text = e === 0 ? digits : `${digits.slice(0, -e)}.${digits.slice(-e)}`.replace(/\.?0+$/, '');
  return (n < 0n ? '-' : '') + text;
}

const pick = (list) => list[crypto.randomInt(list.length)];

module.exports = { ...bedside, start, shared, setWards, outage, anyway, getPack, read, header, paper, loose, reconcile, history, sum, times, exact, shown, pick, US, nowUs };
