'use strict';
// wardctl's commands of dosage on an embedded default: each does what its words say, and says what went wrong in words.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../lib/up');
const { run } = require('../lib/proc');
const { Issuer } = require('../lib/tokens');
const { bin, folder, root } = require('../lib/paths');
const { Site, prescription, once, interval } = require('../contract/dosage/site');

const SAMPLE = path.join(root, 'services/dosage/formulary/sample');
const up = new Up();
const dir = folder('dosage');
let site, patient, order;

before(async () => {
  await up.start();
  const issuer = Issuer.from(up.dir);
  site = await Site.on({ client: (name, { api }) => up.client(name, { api }), token: (claims) => issuer.token(claims) }, { rules: null });
});
after(() => up.stop());

const file = (name, content) => {
  const at = path.join(dir, name);
  fs.writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content));
  return at;
};
const dosage = (...words) => up.ask('dosage', ...words);
const inWard = (command, ...words) => up.ask('dosage', command, '--ward', 'ward-3', ...words);
async function fails(...words) {
  const r = await up.ctl(...words);
  assert.notStrictEqual(r.status, 0, words.join(' '));
  return r.json().error;
}
const lines = async (...words) => {
  const r = await up.ctl(...words);
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  return r.stdout.trim().split('\n').map((l) => JSON.parse(l));
};
const second = () => file('second.token', site.as('pharmacist', { sub: 'pharmacist-2' }).token);
const ppid = async () => file('ppid', await site.ppid(patient));

test('a_formulary_is_drafted_replayed_approved_by_a_second_person_and_activated', async () => {
  patient = await site.patient();
  const early = await fails('dosage', 'check', '--ward', 'ward-3', patient.id, file('p.json', prescription('paracetamol', '500 mg')));
  assert.deepStrictEqual([early.code, early.reason], ['FAILED_PRECONDITION', 'NO_RULE_SET']);
  const files = fs.readdirSync(SAMPLE).filter((f) => f.endsWith('.json')).sort().map((f) => path.join(SAMPLE, f));
  const { info } = await up.ask('formulary', 'draft', ...files);
  const version = String(info.version);
  assert.match(info.notice, /^sample: not for clinical use/);
  const approve = ['formulary', 'approve', '--approve', 'true', version, info.sha256];
  const other = second();
  assert.strictEqual((await fails('--token', other, ...approve)).reason, 'REPLAY_NEEDED');
  const replayed = await lines('formulary', 'replay', version);
  assert.strictEqual(replayed.at(-1).done, true);
  assert.strictEqual((await fails(...approve)).reason, 'SECOND_PHARMACIST_NEEDED');
  assert.strictEqual((await up.ask('--token', other, ...approve)).info.state, 'APPROVED');
  assert.strictEqual((await up.ask('formulary', 'activate', version)).info.state, 'ACTIVE');
  assert.strictEqual((await up.ask('formulary', 'list')).infos[0].version, info.version);
  assert.strictEqual((await up.ask('formulary', 'show', '0')).info.sha256, info.sha256);
  assert.ok((await up.ask('formulary', 'find', 'paracetamol')).drugs.some((d) => d.id === 'paracetamol'));
});

test('a_ward_has_a_clock', async () => {
  const set = await dosage('set-ward', file('ward.json', { ward: 'ward-3', time_zone: 'Europe/Berlin', before_minutes: 60, after_minutes: 60 }));
  assert.strictEqual(set.ward.time_zone, 'Europe/Berlin');
  assert.ok((await dosage('wards')).wards.some((w) => w.ward === 'ward-3'));
  const e = await fails('dosage', 'set-ward', file('ward.json', { ward: 'ward-3', time_zone: 'Europe/Nowhere' }));
  assert.strictEqual(e.reason, 'TIME_ZONE_UNKNOWN');
  const preview = await inWard('preview', '--starts-at-us', '1774659600000000', '--most', '3', file('timing.json', { kind: 'TIMES', times: ['02:30', '08:00'] }));
  assert.strictEqual(preview.slots.length, 3);
  assert.strictEqual(preview.time_zone, 'Europe/Berlin');
});

test('an_order_is_checked_placed_looked_at_changed_and_held', async () => {
  const asked = await inWard('check', patient.id, file('p.json', prescription('paracetamol', '500 mg')));
  assert.strictEqual(asked.decision.outcome, 'PASS', JSON.stringify(asked.decision.findings));
  const tenfold = await inWard('order', patient.id, file('p.json', prescription('paracetamol', '10000 mg')));
  assert.notStrictEqual(tenfold.placed, true);
  assert.ok(tenfold.open.length > 0);
  const placed = await inWard('order', patient.id, file('p.json', prescription('paracetamol', '500 mg', { timing: interval(6) })));
  assert.strictEqual(placed.placed, true);
  order = placed.order;
  assert.strictEqual((await inWard('show', order.order_id)).order.version, 1);
  assert.ok((await inWard('orders', '--states', 'active', patient.id)).orders.some((o) => o.order_id === order.order_id));
  const changed = await inWard('change', order.order_id, '1', file('p.json', prescription('paracetamol', '1000 mg', { timing: interval(8) })));
  assert.strictEqual(changed.order.version, 2);
  const e = await fails('dosage', 'set-state', '--ward', 'ward-3', '--reason-code', 'procedure', order.order_id, '1', 'on-hold');
  assert.strictEqual(e.reason, 'VERSION_CONFLICT');
  assert.strictEqual((await inWard('history', order.order_id)).orders.length, 2);
  const { decision } = await inWard('decision', placed.decision.decision_id);
  assert.strictEqual(decision.snapshot.prescription.drug_id, 'paracetamol');
  assert.ok((await inWard('decisions', patient.id)).decisions.length >= 4);
  assert.strictEqual((await inWard('replay-decision', placed.decision.decision_id)).same, true);
});

test('doses_are_due_given_once_corrected_and_counted', async () => {
  const { slots } = await inWard('slots', patient.id);
  const slot = slots.find((s) => s.order_id === order.order_id && s.state === 'DUE');
  assert.ok((await inWard('due')).slots.some((s) => s.slot_id === slot.slot_id));
  const give = (token, units = '2') => ['dosage', 'give', '--ward', 'ward-3', '--slot-id', slot.slot_id, '--outcome', 'given', '--ppid-token', token, '--place', 'ward-3/bed-2', '--dose', '{"value":"1000","unit":"mg"}',
    '--route', 'po', '--scan', '(01)02999990010015', '--units', units, patient.id, order.order_id];
  const half = await up.ask(...give(await ppid(), '1'));
  assert.deepStrictEqual([half.recorded ?? false, half.rights[2].reason_code], [false, 'scanned-less'], 'one tablet of 500 mg is half the dose');
  const given = await up.ask(...give(await ppid()));
  assert.strictEqual(given.recorded, true, JSON.stringify(given));
  assert.strictEqual(given.rights[2].evidence, '2 x paracetamol-tab-500 is 1000 mg; 1000 mg of 1000 mg');
  assert.deepStrictEqual(given.rights.map((r) => r.right), ['PATIENT', 'DRUG', 'DOSE', 'ROUTE', 'TIME']);
  assert.strictEqual((await fails(...give(await ppid()))).reason, 'SLOT_TAKEN');
  const id = given.administration.administration_id;
  assert.strictEqual((await inWard('dose', id)).versions.length, 1);
  assert.strictEqual((await inWard('cumulative', patient.id, 'paracetamol', '24')).amount.value, '1000');
  assert.ok((await inWard('mar', patient.id)).administrations.some((a) => a.administration_id === id));
  assert.deepStrictEqual((await inWard('adherence', patient.id)).orders ?? [], [], 'no window has ended yet: a change keeps the order\'s start');
  const supplied = await inWard('supply', '--product-id', 'paracetamol-tab-500', '--quantity', '{"value":"20","unit":"{tablet}"}', patient.id, order.order_id);
  assert.strictEqual(supplied.supply.left.value, '9000');
  assert.strictEqual((await inWard('left', patient.id)).supplies.length, 1);
  const corrected = await inWard('correct', '--reason-code', 'charted-not-given', '--entered-in-error', 'true', id, '1');
  assert.strictEqual(corrected.administration.entered_in_error, true);
  await inWard('missed');
});

test('an_emergency_is_given_first_and_acknowledged', async () => {
  const given = await inWard('emergency', '--dose', '{"value":"1","unit":"mg"}', '--route', 'iv', '--reason-code', 'cardiac-arrest', patient.id, 'epinephrine');
  const id = given.administration.administration_id;
  assert.ok((await inWard('unacknowledged')).administrations.some((a) => a.administration_id === id));
  const acknowledge = (token) => ['dosage', 'acknowledge', '--ppid-token', token, '--reason-code', 'cardiac-arrest', id];
  const own = await fails('dosage', 'acknowledge', '--ward', 'ward-3', ...acknowledge(await ppid()).slice(2));
  assert.strictEqual(own.reason, 'SECOND_PERSON_NEEDED'); // a high-alert medicine: not by who gave it
  const other = file('nurse-2.token', site.as('nurse', { sub: 'nurse-2' }).token);
  const done = await up.ask('--token', other, ...acknowledge(await ppid()));
  assert.ok(done.administration.acknowledged_by);
});

test('a_pack_for_when_nothing_answers_and_what_was_done_meanwhile', async () => {
  const { pack } = await up.ask('downtime', 'pack', '--ward', 'ward-3');
  assert.strictEqual(pack.split('.').length, 3);
  assert.strictEqual((await up.ask('downtime', 'keys')).keys.length, 1);
  const entry = { entry_id: crypto.randomUUID(), patient_id: patient.id, order_id: order.order_id, outcome: 'GIVEN', drug_id: 'paracetamol', dose: { value: '1000', unit: 'mg' }, route: 'PO',
    given_at_us: String(Date.now() * 1000), given_by: 'nurse-7' };
  const r = await up.ask('downtime', 'reconcile', '--ward', 'ward-3', '--pack', file('pack', pack), file('doses.json', [entry]));
  assert.match(r.results[0].state, /^RECORDED/);
  await up.ask('downtime', 'conflicts', '--ward', 'ward-3');
});

test('those_who_run_it_see_how_it_is', async () => {
  const status = await dosage('status');
  assert.ok(Number(status.decisions) > 0);
  assert.ok((await dosage('burden')).decisions > 0);
  assert.deepStrictEqual((await dosage('workarounds')).workarounds ?? [], []);
  assert.strictEqual((await lines('dosage', 'rotate-keys')).at(-1).finished, true);
  const once_more = await site.place(patient, prescription('amlodipine', '5 mg', { timing: once }));
  assert.strictEqual(once_more.placed, true);
  await dosage('erase-patient', patient.id, 'patient-request');
  const e = await fails('dosage', 'show', '--ward', 'ward-3', order.order_id);
  assert.strictEqual(e.code, 'NOT_FOUND');
});

test('a_person_reads_lines_and_errors_in_words', async () => {
  const human = await run([bin('wardctl'), '--data', up.dir, 'dosage', 'wards'], { env: { PATH: process.env.PATH } });
  assert.match(human.stdout, /Europe\/Berlin/);
  const wrong = await run([bin('wardctl'), '--data', up.dir, 'dosage', 'show'], { env: { PATH: process.env.PATH } });
  assert.strictEqual(wrong.status, 2);
  assert.match(wrong.lines.join('\n'), /order_id is needed/);
});
