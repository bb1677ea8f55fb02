'use strict';
// What giving leaves for the audit log and for Grafana: one event a call, about the patient, with ids and codes and no word of the drug.
// Audit is not there: its events wait.

const test = require('node:test');
const assert = require('node:assert');
const { shared, bedside, give, refused, held, emergency, versions, correct, failure } = require('./bedside');

let site;
test.before(async () => { site = await shared({ audit: false }); });
test.after(() => site?.stop());

const ACTION = '/ward.dosage.v1.Administrations/';
// The events of what is done meanwhile.
async function events(what) {
  const before = (await site.outbox()).length;
  const answer = await what();
  return { answer, events: (await site.outbox()).slice(before).filter((e) => e.action.startsWith(ACTION)) };
}
const short = (e) => [e.action.slice(ACTION.length), e.outcome.replace('OUTCOME_', ''), e.code];
const SECRETS = /testozin|500 mg|PO of|tablet|life-at-stake|nurse-knows/;

test('a dose is one event', async () => {
  const at = await bedside(site);
  const ppid_token = await site.ppid(at.patient);
  const { answer, events: [e, ...more] } = await events(() => give(site, at, { ppid_token }));
  const d = answer.administration;
  assert.deepStrictEqual(more, []);
  assert.deepStrictEqual(short(e), ['Administer', 'SUCCESS', '']);
  assert.deepStrictEqual([e.patient, e.actor, e.place, e.purpose, e.peer], [at.patient.id, 'nurse-1', 'ward-3/bed-2', 'TREAT', 'wardctl']);
  assert.strictEqual(e.event_id, d.event_id);
  assert.deepStrictEqual([e.detail.administration, e.detail.order, e.detail.decision, e.detail.token, e.detail.recorded, e.detail.right],
    [d.administration_id, at.order.order_id, d.decision_id, d.token_id, 'yes', '']);
  assert.doesNotMatch(JSON.stringify(e), SECRETS);
});

test('a dose asked for again is an event that says so', async () => {
  const at = await bedside(site);
  const more = { key: site.key(), ppid_token: await site.ppid(at.patient) };
  await give(site, at, more);
  const { events: [e, ...others] } = await events(() => give(site, at, more));
  assert.deepStrictEqual(others, []);
  assert.deepStrictEqual([...short(e), e.detail.replayed], ['Administer', 'SUCCESS', '', 'yes']);
});

test('a refusal says which right it was, an error its code', async () => {
  const at = await bedside(site);
  const { events: [e] } = await events(() => give(site, at, { route: 'ROUTE_IV' }));
  assert.deepStrictEqual([...short(e), e.detail.recorded, e.detail.right], ['Administer', 'SUCCESS', '', 'no', 'route']);
  const { events: failed } = await events(() => refused(site, at, { slot_id: at.slot.slot_id.replace(/\d$/, (c) => (Number(c) + 1) % 10) }));
  assert.deepStrictEqual(failed.map(short), [['Administer', 'FAILURE', 'NOT_FOUND/SLOT_NOT_FOUND']]);
  assert.strictEqual(failed[0].patient, at.patient.id);
  const { events: forged } = await events(() => refused(site, at, { ppid_token: 'a.b.c' }));
  assert.deepStrictEqual(forged.map(short), [['Administer', 'REFUSED', 'UNAUTHENTICATED/PPID_MALFORMED']]);
  const { events: words } = await events(() => refused(site, at, { patient_id: 'Anna Beispiel', ppid_token: 'a.b.c' }));
  assert.deepStrictEqual([words.length, words[0].patient], [1, ''], 'a name is no patient');
});

test('a token that was used before is evidence of its own, and the call failed', async () => {
  const at = await bedside(site);
  const other = await bedside(site);
  const ppid_token = await site.ppid(at.patient);
  await give(site, at, { ppid_token });
  const { answer: err, events: all } = await events(() => failure(site.api('doses').call('Acknowledge', {
    idempotency_key: 'acknowledge', administration_id: null, ppid_token,
  }, site.who('nurse'))));
  assert.strictEqual(err.field, 'administration_id');
  assert.strictEqual(all.length, 1);
  const { administration: d } = await emergency(site, at.patient);
  const { events: two } = await events(() => failure(site.api('doses').call('Acknowledge', {
    idempotency_key: 'acknowledge', administration_id: d.administration_id, ppid_token,
  }, site.who('nurse'))));
  assert.deepStrictEqual(two.map(short), [['Acknowledge', 'SUCCESS', ''], ['Acknowledge', 'FAILURE', 'ALREADY_EXISTS/PPID_SPENT']]);
  assert.deepStrictEqual([two[0].detail.token, two[0].detail.refused], ['spent', 'yes']);
  const [[misuse]] = await site.sql(`SELECT HEX(event_id) FROM token_misuse WHERE kind = 'spent'`);
  assert.strictEqual(misuse.toLowerCase(), two[0].event_id.replaceAll('-', ''));
  void other;
});

test('every other method is one event too, a list one a patient', async () => {
  const at = await bedside(site, undefined);
  const one = async (name, what) => {
    const { answer, events: all } = await events(what);
    assert.deepStrictEqual(all.map(short), [[name, 'SUCCESS', '']]);
    assert.strictEqual(all[0].patient, at.patient.id);
    assert.doesNotMatch(JSON.stringify(all), SECRETS);
    return answer;
  };
  const { administration: d } = await one('GiveInEmergency', () => emergency(site, at.patient));
  await one('GetAdministration', () => versions(site, d));
  await one('Correct', () => correct(site, d, { dose: { value: '250', unit: 'mg' } }));
  await one('Administer', () => give(site, at, held('HELD')));
  const second = (await emergency(site, await site.patient())).administration;
  const { events: listed } = await events(() => site.api('doses').call('ListUnacknowledged', { ward: 'ward-3', page_size: 200 }, site.who('nurse')));
  assert.deepStrictEqual(new Set(listed.map((e) => e.patient)), new Set([...listed.map((e) => e.patient), at.patient.id, second.patient_id]));
  assert.strictEqual(new Set(listed.map((e) => e.detail.administration)).size, listed.length);
  const ppid_token = await site.ppid(at.patient);
  await one('Acknowledge', () => site.api('doses').call('Acknowledge', { idempotency_key: site.key(), administration_id: d.administration_id, ppid_token }, site.who('nurse')));
  const { events: none } = await events(() => site.api('doses').call('ListUnacknowledged', { ward: 'ward-0' }, site.who('pharmacist')));
  assert.deepStrictEqual(none.map((e) => [...short(e), e.patient]), [['ListUnacknowledged', 'SUCCESS', '', '']]);
});

test('who may not see the patient of a dose is told of, about that patient', async () => {
  const at = await bedside(site);
  const { administration: d } = await give(site, at);
  const { events: [e] } = await events(() => failure(versions(site, d, site.as('nurse', { ward: 'ward-9', sub: 'nurse-9' }))));
  assert.deepStrictEqual([...short(e), e.patient, e.actor], ['GetAdministration', 'FAILURE', 'NOT_FOUND/ADMINISTRATION_NOT_FOUND', at.patient.id, 'nurse-9']);
});

test('doses and refusals are counted', async () => {
  const counted = async () => {
    const { text } = await site.ward.services.dosage.admin('/metrics');
    const of = (line) => Number(text.split('\n').find((l) => l.startsWith(line))?.split(' ').pop() ?? 0);
    return ['given', 'held', 'emergency'].map((o) => of(`ward_dosage_administrations_total{outcome="${o}"}`))
      .concat(['route', 'dose', 'patient'].map((r) => of(`ward_dosage_rights_failed_total{right="${r}"}`)));
  };
  const before = await counted();
  const at = await bedside(site);
  await give(site, at, { route: 'ROUTE_IV', dose: { value: '1', unit: 'mg' } });
  await give(site, at, { ppid_token: await site.ppid(await site.patient()) });
  const more = { key: site.key(), ppid_token: await site.ppid(at.patient) };
  await give(site, at, more);
  await give(site, at, more);
  await give(site, await bedside(site), held('HELD'));
  await emergency(site, at.patient);
  const after = await counted();
  assert.deepStrictEqual(after.map((n, i) => n - before[i]), [1, 1, 1, 1, 1, 1]);
});
