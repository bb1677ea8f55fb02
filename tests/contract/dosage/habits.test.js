'use strict';
// Ways around the checks that one person takes again and again: paper while the service answers, the emergency path, taking back one's own
// charting, the same second person.

const test = require('node:test');
const assert = require('node:assert');
const { prescription, once, until } = require('./site');
const { GTIN, start, bedside, give, emergency, correct, second, placed, getPack, loose, reconcile, outage, nowUs, amount } = require('./cutoff');

let site, tracking;
test.before(async () => {
  site = await start({ services: ['audit', 'identity', 'records', 'dosage'], env: { dosage: { WARD_WATCH_S: '1', WARD_EMERGENCY_S: '60' } } });
  tracking = site.api('tracking');
});
test.after(() => site?.stop());

const list = () => tracking.call('ListWorkarounds', { page_size: 200 }, site.who('safety-officer')).then((a) => a.workarounds);
const of = async (actor, kind) => (await list()).filter((w) => w.actor === actor && w.kind === `WORKAROUND_KIND_${kind}`);
const found = (actor, kind, is = () => true) => until(`found: ${kind}`, async () => (await of(actor, kind)).find(is));
async function looked() {
  const at = async () => Number((await site.sql('SELECT looked_to_us FROM watch_position'))[0]?.[0] ?? 0);
  for (let i = 0; i < 2; i++) {
    const before = await at();
    await until('looked', async () => (await at()) > before);
  }
}
let people = 0;
const nurse = () => { people += 1; const sub = `nurse-h${people}`; return { sub, ...site.as('nurse', { sub }) }; };
const acknowledge = async (patient, d, by) => site.api('doses').call('Acknowledge',
  { idempotency_key: site.key(), administration_id: d.administration_id, ppid_token: await site.ppid(patient, { by }) }, site.who(by));

test('five doses from paper that were given while the ward was answered; four, and five of an outage, are no habit', async () => {
  const [often, few, fair] = [nurse(), nurse(), nurse()];
  const patient = await site.patient();
  const { pack } = await getPack(site);
  const lines = (n) => Array.from({ length: n }, (_, i) => loose(patient, `${i + 1} mg`, nowUs()));
  await reconcile(site, pack, lines(5), { by: often });
  await reconcile(site, pack, lines(4), { by: few });
  const late = lines(5);
  await outage(site, patient, ['dosage']);
  const results = await reconcile(site, pack, late, { by: fair });
  assert.ok(results.every((r) => !r.issues.includes('service-was-up')), JSON.stringify(results));
  const w = await found(often.sub, 'RECONCILE_HABIT');
  assert.deepStrictEqual([w.count, w.threshold, w.ward, w.evidence.length], [5, 5, 'ward-3', 5]);
  assert.match(w.text.en, /one person entered 5 doses from paper/);
  assert.match(w.text.zh, /补录5次/);
  assert.ok(!JSON.stringify(w).includes(patient.id));
  await looked();
  assert.deepStrictEqual([...await of(few.sub, 'RECONCILE_HABIT'), ...await of(fair.sub, 'RECONCILE_HABIT')], []);
});

test('five emergencies of one drug by one person, and how many they acknowledged alone; of two drugs it is no habit', async () => {
  const [often, mixed] = [nurse(), nurse()];
  const patient = await site.patient();
  const given = [];
  for (let i = 0; i < 5; i++) given.push((await emergency(site, patient, { drug_id: 'plainin', dose: amount(1, 'mg') }, { by: often })).administration);
  for (let i = 0; i < 4; i++) await emergency(site, patient, { drug_id: 'plainin', dose: amount(1, 'mg') }, { by: mixed });
  await emergency(site, patient, { dose: amount(1, 'mg') }, { by: mixed });
  const first = await found(often.sub, 'EMERGENCY_HABIT');
  assert.deepStrictEqual([first.count, first.threshold, first.own, first.ward], [5, 5, 0, 'ward-3']);
  assert.deepStrictEqual([...first.evidence].sort(), given.map((d) => d.administration_id).sort());
  for (const d of given.slice(0, 3)) await acknowledge(patient, d, often);
  await acknowledge(patient, given[3], nurse());
  const w = await found(often.sub, 'EMERGENCY_HABIT', (x) => x.own === 3);
  assert.match(w.text.en, /5 emergency doses of one drug.*3 of these doses alone/);
  assert.match(w.text.zh, /5次,其中3次由其本人确认/);
  await looked();
  assert.strictEqual((await of(often.sub, 'EMERGENCY_HABIT')).length, 1);
  assert.deepStrictEqual(await of(mixed.sub, 'EMERGENCY_HABIT'), []);
  assert.ok(!JSON.stringify(await site.sql('SELECT * FROM emergency_given')).includes('plainin'), 'no row tells the drug');
});

test('a hard stop in an emergency and no order in time; with an order, or without a hard stop, it is none', async () => {
  const [bare, covered, mild] = [nurse(), nurse(), nurse()];
  const hard = async (by, more) => { const patient = await site.patient(); return { patient, d: (await emergency(site, patient, { dose: amount(6000, 'mg'), ...more }, { by })).administration }; };
  const [a, b, c] = [await hard(bare), await hard(covered), await hard(mild, { dose: amount(1, 'mg') })];
  const order = await placed(site, b.patient, prescription('testozin', '500 mg', { timing: once }),
    { overrides: (await site.place(b.patient, prescription('testozin', '500 mg', { timing: once }))).open.map((rule_id) => ({ rule_id, reason_code: 'specialist' })), second_person_token: second(site, 'pharmacist') });
  await site.api('doses').call('Acknowledge', { idempotency_key: site.key(), administration_id: b.d.administration_id, order_id: order.order_id, ppid_token: await site.ppid(b.patient) }, site.who('physician'));
  await acknowledge(a.patient, a.d, bare);
  await looked();
  assert.deepStrictEqual(await of(bare.sub, 'EMERGENCY_UNORDERED'), [], 'there is time left');
  for (const x of [a, b, c]) await site.sql(`UPDATE emergency_given SET order_by_us = ${nowUs() - 1e6} WHERE administration_id = ${site.hex(x.d.administration_id)}`);
  const w = await found(bare.sub, 'EMERGENCY_UNORDERED');
  assert.deepStrictEqual([w.count, w.evidence], [1, [a.d.administration_id]]);
  assert.match(w.text.en, /hard stop/);
  assert.match(w.text.zh, /未在规定时间内补开医嘱/);
  await looked();
  assert.strictEqual((await of(bare.sub, 'EMERGENCY_UNORDERED')).length, 1);
  assert.deepStrictEqual([...await of(covered.sub, 'EMERGENCY_UNORDERED'), ...await of(mild.sub, 'EMERGENCY_UNORDERED')], []);
});

test('three doses of their own that one person took back; two, or another\'s, are no habit', async () => {
  const [often, few, other] = [nurse(), nurse(), nurse()];
  const charted = async (by) => {
    const at = await bedside(site, prescription('plainin', '10 mg', { timing: once }));
    return (await give(site, at, { by, ppid_token: await site.ppid(at.patient, { by, place: `bed-${at.patient.id.slice(-8)}` }), scan: GTIN.otherin, not_scanned_reason: '', product_id: 'plainin-tablet' })).administration;
  };
  const undo = (d, by) => correct(site, d, { entered_in_error: true }, by);
  for (let i = 0; i < 3; i++) await undo(await charted(often), often);
  for (let i = 0; i < 2; i++) await undo(await charted(few), few);
  for (let i = 0; i < 3; i++) await undo(await charted(few), other);
  const w = await found(often.sub, 'CORRECTION_HABIT');
  assert.deepStrictEqual([w.count, w.threshold, w.ward, w.evidence.length], [3, 3, 'ward-3', 3]);
  assert.match(w.text.en, /one person withdrew 3 doses/);
  assert.match(w.text.zh, /撤销本人的给药记录3次/);
  await looked();
  assert.deepStrictEqual([...await of(few.sub, 'CORRECTION_HABIT'), ...await of(other.sub, 'CORRECTION_HABIT')], []);
});

test('nearly all of a day\'s doses with the same second person, of twenty', async () => {
  const [same, fair] = [nurse(), nurse()];
  const round = async (by, seconds) => {
    for (const sub of seconds) {
      const at = await bedside(site, prescription('alertin', '10 mg', { timing: once }));
      await give(site, at, { by, ppid_token: await site.ppid(at.patient, { by }), second_person_token: second(site, 'nurse', { sub }) });
    }
  };
  await round(same, [...Array(18).fill('nurse-a'), 'nurse-b', 'nurse-c']);
  await round(fair, [...Array(17).fill('nurse-a'), ...Array(3).fill('nurse-b')]);
  const share = (w) => /18 of 20/.test(w.text.en);
  const w = await found(same.sub, 'SECOND_PERSON_HABIT', share);
  assert.deepStrictEqual([w.count, w.threshold, w.evidence.length], [18, 18, 18]);
  assert.match(w.text.zh, /双人核对给药20次,其中18次/);
  await looked();
  assert.ok(!(await of(fair.sub, 'SECOND_PERSON_HABIT')).some((x) => / of 20/.test(x.text.en)));
});
