'use strict';
// Checks of many callers at once share their commits: each is kept and told of for itself, whoever it came with.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, prescription, rulesOf } = require('./site');

let site;
const patients = [];
before(async () => {
  site = await Site.start({ env: { dosage: { WARD_WORKERS: '16', WARD_AUDIT_BUS: 'ipc:///nowhere/audit.bus' } } });
  for (let i = 0; i < 5; i++) patients.push(await site.patient({ weight: i % 2 ? '70 kg' : null }));
  for (const p of patients) await site.check(p, prescription('paracetamol', '500 mg')); // its row and key are made
});
after(() => site && site.stop());

test('each of a hundred at once is kept, with its findings and its event', async () => {
  const before_ = { decisions: await site.rows('decision'), findings: await site.rows('finding'), events: (await site.outbox()).length };
  const asked = Array.from({ length: 100 }, (_, i) => ({ patient: patients[i % 5], mg: 100 + 10 * i }));
  const got = await Promise.all(asked.map(({ patient, mg }) => site.check(patient, prescription('paracetamol', `${mg} mg`))));
  assert.strictEqual(new Set(got.map((d) => d.decision_id)).size, 100);
  assert.strictEqual(await site.rows('decision'), before_.decisions + 100);
  assert.strictEqual(await site.rows('finding'), before_.findings + got.reduce((n, d) => n + new Set(rulesOf(d)).size, 0));
  const events = (await site.outbox()).slice(before_.events);
  assert.deepStrictEqual(new Set(events.map((e) => e.event_id)), new Set(got.map((d) => d.event_id)));
  for (const [i, d] of got.entries()) {
    const { decision } = await site.orders.call('GetDecision', { decision_id: d.decision_id }, site.tokens.physician);
    assert.deepStrictEqual([decision.snapshot.patient_id, decision.snapshot.prescription.dose.value, decision.sha256], [asked[i].patient.id, String(asked[i].mg), d.sha256]);
  }
});

test('none is acknowledged that the database did not keep, and the next ones are', async () => {
  const asked = Array.from({ length: 60 }, (_, i) => site.check(patients[i % 5], prescription('paracetamol', '500 mg')).catch((err) => err));
  await new Promise((done) => { setTimeout(done, 15); });
  await site.ward.db.kill();
  const answers = await Promise.all(asked);
  await site.ward.db.restart();
  const kept = new Set((await site.sql('SELECT LOWER(HEX(decision_id)) FROM decision')).map(([id]) => id));
  for (const a of answers) {
    if (a instanceof Error) assert.ok(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED'].includes(a.code), String(a));
    else assert.ok(kept.has(a.decision_id.replaceAll('-', '')), 'an answer without its decision');
  }
  const next = await site.check(patients[0], prescription('paracetamol', '500 mg'));
  assert.ok(next.decision_id);
});
