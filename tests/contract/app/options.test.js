'use strict';
// Options that no other test sets do what docs/config.md says: one Ward whose services are given other values than the defaults.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, prescription, once } = require('../dosage/site');
const { event } = require('../audit/log');

let site;
before(async () => {
  site = await Site.start({ env: {
    audit: { WARD_AUDIT_ORIGIN: 'hospital.example/audit', WARD_MAX_MESSAGE_KIB: '64', WARD_AUDIT_BUS_THREADS: '1' },
    records: { WARD_GLASS_S: '120', WARD_TOKEN_MAX_S: '7200', WARD_FEED_MS: '20', WARD_POLLERS: '2' },
    dosage: { WARD_LATE_CHARTING_MAX_MIN: '30' },
  } });
});
after(() => site?.stop());

test('WARD_AUDIT_ORIGIN names the log in its signed heads', async () => {
  const { checkpoint } = await site.ward.client('audit').call('GetCheckpoint', {}, site.tokens.auditor);
  assert.strictEqual(checkpoint.toString().split('\n')[0], 'hospital.example/audit');
});

test('WARD_MAX_MESSAGE_KIB is the largest message', async () => {
  const append = (events) => site.ward.client('audit', { as: 'identity' }).failure('Append', { events });
  const e = await append(Array.from({ length: 100 }, () => event({ detail: { text: 'x'.repeat(900) } })));
  assert.strictEqual(e.code, 'RESOURCE_EXHAUSTED');
});

test('WARD_TOKEN_MAX_S is the longest life of a token', async () => {
  const { id } = await site.patient();
  const read = (lifetime) => site.api('records').call('Read', { kind: 'KIND_PATIENT', id }, site.as('nurse', { lifetime })).then(() => 'OK', (e) => e.reason);
  assert.deepStrictEqual([await read(7000), await read(7300)], ['OK', 'TOKEN_LIFETIME']);
});

test('WARD_GLASS_S is how long broken glass stays open', async () => {
  const { id } = await site.patient({ ward: 'icu' });
  const begun = Date.now() * 1000;
  const { until_us } = await site.api('recordsaccess').call('BreakGlass',
    { idempotency_key: site.key(), patient_id: id, reason: 'GLASS_REASON_EMERGENCY', explanation: 'unconscious, no relatives here' }, site.tokens.nurse);
  const life = Number(until_us) - begun;
  assert.ok(life >= 120e6 && life < 240e6, `${life} us`);
});

test('WARD_LATE_CHARTING_MAX_MIN is how old a dose may be that is charted late', async () => {
  const p = await site.patient();
  const { order } = await site.place(p, prescription('paracetamol', '500 mg', { timing: once }));
  const [slot] = await site.slots(p);
  const e = await site.give(p, order, slot, { given_at_us: Date.now() * 1000 - 31 * 60e6, charted_late_reason: 'late-round' }).catch((err) => err);
  assert.deepStrictEqual([e.code, e.field], ['INVALID_ARGUMENT', 'given_at_us']);
  assert.match(e.details, /30/);
});
