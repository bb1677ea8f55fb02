'use strict';
// Random charts, random queries: what Search answers, page after page, is what a filter written in
// JavaScript finds among the same resources, in the same order, with the same total.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, observation, encounter, coded, quantity } = require('./site');
const { p, all, period, interval, dateFinds, quantityFinds, codeFinds, dice } = require('./searching');

const SEED = Number(process.env.SEED || 20260301);
const PATIENTS = 8, OBSERVATIONS = 160, ENCOUNTERS = 40, QUERIES = 120;
const SYSTEMS = ['http://loinc.org', 'urn:local'];
const CODES = ['a', 'b', 'c'];
const PARTS = ['d', 'e']; // FHIR obs-7: no component has the code of the whole where that has a value
const STATUSES = ['registered', 'preliminary', 'final', 'amended'];
const NUMBERS = ['1', '1.0', '1.4', '1.5', '2', '10', '10.0', '15', '100', '-1', '0'];
const UNITS = ['mg/L', 'mg/dL', 'g/L', 'ug/mL'];
const TIMES = ['2019', '2020', '2020-02', '2020-02-28', '2020-02-29', '2020-03', '2020-02-29T12:00:00Z', '2020-02-29T23:30:00-02:00', '2020-03-01T01:30:00Z',
  '2020-03-01T09:30:00+08:00', '2020-03-01T01:30:00.5Z', '2020-12-31T23:59:59Z', '2021-01-01'];
const PEOPLE = ['Practitioner/1', 'Practitioner/2', 'Organization/1'];
const WARDS = ['ward-3', 'icu', 'ward-4'];
const r = dice(SEED);
const up = (status) => `STATUS_${status.toUpperCase().replaceAll('-', '_')}`;
const O = 'KIND_OBSERVATION', E = 'KIND_ENCOUNTER';
let site;
const made = { [O]: [], [E]: [] };

function when() {
  if (r.chance(0.1)) return {};
  if (r.chance(0.7)) return { effective_date_time: r.pick(TIMES) };
  const [start, end] = [r.pick(TIMES), r.pick(TIMES)].sort((x, y) => (interval(x)[0] < interval(y)[0] ? -1 : 1));
  const both = r.int(3);
  return { effective_period: { ...(both !== 1 && { start }), ...(both !== 2 && { end }) } };
}

const intervalOf = (o) => (o.effective_date_time ? interval(o.effective_date_time) : o.effective_period ? period(o.effective_period) : undefined);
const someCode = (codes = CODES) => coded(r.pick(SYSTEMS), r.pick(codes));
const codings = (concepts) => concepts.flatMap((c) => c.coding);

async function oneObservation(patient) {
  const o = {
    status: up(r.pick(STATUSES)), code: someCode(), effective_date_time: undefined, ...when(), value_quantity: undefined,
    ...(r.chance(0.6) && { value_quantity: quantity(r.pick(NUMBERS), r.pick(UNITS)) }),
    ...(r.chance(0.5) && { category: [someCode(), ...(r.chance(0.3) ? [someCode()] : [])] }),
    ...(r.chance(0.5) && { performer: [{ reference: r.pick(PEOPLE) }] }),
    ...(r.chance(0.3) && { component: [{ code: someCode(PARTS) }] }),
    ...(r.chance(0.3) && { encounter: { reference: `Encounter/${r.pick(made[E].filter((e) => e.patient === patient)).id}` } }),
  };
  const { version } = await site.create(observation(patient, o), 'nurse');
  made[O].push({ id: version.resource_id, written: BigInt(version.written_at_us), patient, at: intervalOf(o), ...o });
}

async function oneEncounter(patient) {
  const e = {
    status: up(r.pick(['planned', 'in-progress', 'finished'])), period: { start: r.pick(TIMES), end: '2022-05-05' },
    location: [{ location: { reference: `Location/${r.pick(WARDS)}` } }],
  };
  const { version } = await site.create(encounter(patient, '', e));
  made[E].push({ id: version.resource_id, written: BigInt(version.written_at_us), patient, at: period(e.period), ...e });
}

before(async () => {
  site = await Site.start({ services: ['records'] });
  site.people = [];
  for (let i = 0; i < PATIENTS; i++) {
    const a = await site.treated('ward-3');
    site.people.push(a.id);
    const { records: [own] } = await site.records.call('Search', { kind: E, parameters: [p('_id', a.encounter)] }, site.tokens.nurse);
    made[E].push({
      id: a.encounter, written: BigInt(own.version.written_at_us), patient: a.id, at: period({ start: own.resource.encounter.period.start }),
      status: own.resource.encounter.status, location: own.resource.encounter.location,
    });
  }
  for (let i = 0; i < ENCOUNTERS; i++) await oneEncounter(r.pick(site.people));
  for (let i = 0; i < OBSERVATIONS; i++) await oneObservation(r.pick(site.people));
});
after(() => site?.stop());

const some = (make) => Array.from({ length: 1 + r.int(3) }, make);
const PREFIXES = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb'];
const codeText = () => (r.chance(0.5) ? `${r.pick(SYSTEMS)}|${r.pick([...CODES, ...PARTS])}` : r.pick([...CODES, ...PARTS]));
const status = (s) => s.slice(7).toLowerCase().replaceAll('_', '-');

// A random parameter with what it means.
const asks = {
  [O]: [
    () => { const v = some(codeText); return [p('code', ...v), (o) => v.some((x) => codeFinds(x, o.code.coding))]; },
    () => { const v = some(codeText); return [p('code:not', ...v), (o) => !v.some((x) => codeFinds(x, o.code.coding))]; },
    () => { const v = some(codeText); return [p('category', ...v), (o) => v.some((x) => codeFinds(x, codings(o.category || [])))]; },
    () => {
      const v = some(codeText);
      return [p('combo-code', ...v), (o) => v.some((x) => codeFinds(x, [...o.code.coding, ...codings((o.component || []).map((c) => c.code))]))];
    },
    () => { const missing = r.chance(0.5); return [p('category:missing', String(missing)), (o) => !o.category === missing]; },
    () => { const missing = r.chance(0.5); return [p('date:missing', String(missing)), (o) => !o.at === missing]; },
    () => { const missing = r.chance(0.5); return [p('value-quantity:missing', String(missing)), (o) => !o.value_quantity === missing]; },
    () => { const missing = r.chance(0.5); return [p('encounter:missing', String(missing)), (o) => !o.encounter === missing]; },
    () => { const v = some(() => r.pick(STATUSES)); return [p('status', ...v), (o) => v.includes(status(o.status))]; },
    () => { const v = some(() => r.pick(STATUSES)); return [p('status:not', ...v), (o) => !v.includes(status(o.status))]; },
    () => { const v = some(() => r.pick(PREFIXES) + r.pick(TIMES)); return [p('date', ...v), (o) => v.some((x) => dateFinds(x, o.at))]; },
    () => {
      const v = some(() => `${r.pick([...PREFIXES, 'ap'])}${r.pick(NUMBERS)}||${r.pick(UNITS)}`);
      return [p('value-quantity', ...v), (o) => v.some((x) => quantityFinds(x, o.value_quantity))];
    },
    () => { const v = some(() => r.pick(PEOPLE)); return [p('performer', ...v), (o) => (o.performer || []).some((x) => v.includes(x.reference))]; },
    () => { const v = some(() => r.pick(made[E]).id); return [p('encounter', ...v), (o) => v.some((x) => o.encounter?.reference === `Encounter/${x}`)]; },
    () => { const v = some(() => r.pick(site.people)); return [p('patient', ...v), (o) => v.includes(o.patient)]; },
    () => { const v = some(() => r.pick(made[O]).id); return [p('_id', ...v), (o) => v.includes(o.id)]; },
  ],
  [E]: [
    () => { const v = some(() => r.pick(PREFIXES) + r.pick(TIMES)); return [p('date', ...v), (e) => v.some((x) => dateFinds(x, e.at))]; },
    () => { const v = some(() => r.pick(['planned', 'in-progress', 'finished'])); return [p('status', ...v), (e) => v.includes(status(e.status))]; },
    () => {
      const v = some(() => r.pick(WARDS));
      return [p('location', ...v), (e) => e.location.some((l) => v.includes(l.location.reference.slice(9)))];
    },
    () => { const v = some(() => r.pick(site.people)); return [p('subject', ...v.map((x) => `Patient/${x}`)), (e) => v.includes(e.patient)]; },
  ],
};

const NO_DATE = -(1n << 63n);
const from = (x) => (x.at ? x.at[0] : NO_DATE);
const raw = (id) => BigInt(`0x${id.replaceAll('-', '')}`);
const compare = (x, y) => (x < y ? -1 : x > y ? 1 : 0);
const orders = {
  ORDER_UNSPECIFIED: (x, y) => compare(from(y), from(x)) || compare(raw(y.id), raw(x.id)),
  ORDER_DATE_ASC: (x, y) => compare(from(x), from(y)) || compare(raw(x.id), raw(y.id)),
  ORDER_UPDATED_DESC: (x, y) => compare(y.written, x.written) || compare(raw(y.id), raw(x.id)),
};

// The nurse's ward is gone through patient by patient, the registrar's everybody by index.
async function compareOne(kind, by) {
  const chosen = Array.from({ length: r.int(4) }, () => r.pick(asks[kind])());
  const order = r.pick(Object.keys(orders)), page_size = r.pick([1, 3, 7, 50]);
  const want = made[kind].filter((x) => chosen.every(([, finds]) => finds(x))).sort(orders[order]);
  const got = await all(site, kind, chosen.map(([parameter]) => parameter), { by, order, page_size, total: 'TOTAL_BOUNDED' });
  const said = JSON.stringify({ SEED, kind, by, order, page_size, parameters: chosen.map(([x]) => x) });
  assert.deepStrictEqual(got.ids, want.map((x) => x.id), said);
  assert.strictEqual(got.total, want.length, said);
  assert.strictEqual(got.pages, Math.max(1, Math.ceil(want.length / page_size)), said);
  return want.length;
}

test('observations of a ward, as a filter in JavaScript finds them', async () => {
  let found = 0;
  for (let i = 0; i < QUERIES; i++) found += (await compareOne(O, 'nurse')) > 0;
  assert.ok(found > QUERIES / 5, `${found} of ${QUERIES} queries found anything`);
});

test('encounters of everybody, as a filter in JavaScript finds them', async () => {
  for (let i = 0; i < QUERIES / 2; i++) await compareOne(E, 'registrar');
});

test('observations of a ward too large to go through by patient', async () => {
  // 1,100 open encounters of patients who have nothing else
  await site.sql(`SET SESSION foreign_key_checks = 0;
    INSERT INTO open_encounter (ward, patient_id, encounter_id) SELECT 'ward-3', UNHEX(MD5(CONCAT('p', seq))), UNHEX(MD5(CONCAT('e', seq))) FROM seq_1_to_1100`);
  for (let i = 0; i < QUERIES / 2; i++) await compareOne(O, 'nurse');
  await site.sql('DELETE FROM open_encounter WHERE patient_id NOT IN (SELECT patient_id FROM patient)');
});
