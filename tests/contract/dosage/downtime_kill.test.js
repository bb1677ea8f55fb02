'use strict';
// The process killed in the middle of Reconcile, its caller going on: each dose is recorded once, with its event.

const test = require('node:test');
const assert = require('node:assert');
const { rounds } = require('../../lib/chance');
const { start, getPack, loose, US, nowUs } = require('./cutoff');

const ROUNDS = rounds(6);
let site;
test.before(async () => { site = await start({ services: ['identity', 'records', 'dosage'] }); });
test.after(() => site?.stop());

test('killed anywhere in Reconcile: each entry once, its event once, and the answer in the end', async () => {
  const call = (q) => site.api('downtime').call('Reconcile', q, site.tokens.nurse);
  let cut = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const patient = await site.patient();
    const { pack } = await getPack(site);
    const t = nowUs() - US.hour;
    const doses = Array.from({ length: 60 }, (_, i) => loose(patient, `${i + 1} mg`, t + i));
    const q = { idempotency_key: site.key(), pack, doses };
    const rows = () => site.rows('offline_entry', `pack_id = ${site.hex(JSON.parse(Buffer.from(pack.split('.')[1], 'base64url')).packId)}`);
    const first = call(q).then(() => true, () => false);
    // Somewhere in it: after so many entries.
    for (let done = false; !done && (await rows()) <= round * 48 / ROUNDS;) done = await Promise.race([first, new Promise((r) => { setTimeout(r, 1, false); })]);
    await site.ward.services.dosage.kill();
    cut += (await first) ? 0 : 1;
    await site.ward.services.dosage.start();
    let answer;
    for (let i = 0; i < 20 && !answer; i++) answer = await call(q).catch(() => null);
    assert.ok(answer, 'answered in the end');
    assert.deepStrictEqual(answer.results.map((r) => r.entry_id), doses.map((d) => d.entry_id));
    assert.ok(answer.results.every((r) => /RECORDED|KNOWN/.test(r.state)));
    assert.strictEqual(new Set(answer.results.map((r) => r.administration_id)).size, doses.length);
    const of = `patient_id = ${site.hex(patient.id)}`;
    assert.deepStrictEqual([await site.rows('administration', of), await site.rows('administration_version', of), await rows()], [60, 60, 60]);
    const events = (await site.outbox()).map((e) => JSON.stringify(e));
    for (const r of answer.results) assert.strictEqual(events.filter((e) => e.includes(r.entry_id) && e.includes(r.administration_id)).length, 1);
    assert.deepStrictEqual(await call(q), answer, 'and the same again');
  }
  assert.ok(cut > 0, 'some call was cut');
});
