'use strict';
// A hard stop that is overridden at the bedside on a prescriber's word: the prescriber is named, is another than the two people at the
// bedside, finds the dose on a list and signs or disputes it. Audit is not there: its events wait.

const test = require('node:test');
const assert = require('node:assert');
const { Site, amount, until } = require('./site');
const { bedsideSet, bedside, give, refused, second, held, emergency, versions, correct, failure, doses } = require('./bedside');

const HARD = 'testozin-daily-stop';
let site;
test.before(async () => {
  const rules = bedsideSet();
  rules.reasons.push({ code: 'prescriber-confirmed', name: { en: 'confirmed', zh: '已确认' }, uses: ['USE_OVERRIDE_WARN', 'USE_OVERRIDE_HARD'], roles: ['nurse', 'physician'] });
  site = await Site.start({ rules, services: ['identity', 'records', 'dosage'], env: { dosage: { WARD_WATCH_S: '1' } } });
});
test.after(() => site?.stop());

let n = 0;
const physician = (sub = `physician-word-${n++}`, claims = {}) => site.as('physician', { sub, ...claims });
const subject = (who) => JSON.parse(Buffer.from(who.token.split('.')[1], 'base64url')).sub;
// Somebody whom dosage knows as a physician: they have asked it something.
async function prescriber(claims = {}) {
  const who = physician(undefined, claims);
  await list(who);
  return { ...who, sub: subject(who) };
}
const said = { overrides: [{ rule_id: HARD, reason_code: 'prescriber-confirmed' }] };
// A dose at which the check finds a hard stop that nobody decided about when it was ordered.
async function stopped() {
  const at = await bedside(site);
  for (let i = 0; i < 3; i++) await emergency(site, at.patient, { dose: amount(1000, 'mg') });
  return at;
}
const why = async (at, more) => { const e = await refused(site, at, { ...said, second_person_token: second(site), ...more }); return [e.code, e.reason === e.code && e.field || e.reason]; };
const onWord = (at, by, more = {}) => give(site, at, { ...said, second_person_token: second(site), confirmed_by: by, ...more });
const list = (who, more = {}) => site.api('doses').call('ListCosignatures', more, who);
const ids = async (who, more) => (await list(who, more)).administrations.map((d) => d.administration_id);
const cosign = (who, dose, state = 'SIGNED', key = site.key()) => site.api('doses').call('Cosign',
  { idempotency_key: key, administration_id: dose.administration_id, state: `STATE_${state}` }, who);

test('two nurses override no hard stop without naming the prescriber', async () => {
  const at = await stopped();
  assert.deepStrictEqual(await why(at, {}), ['FAILED_PRECONDITION', 'PRESCRIBER_NEEDED']);
  const refusal = ['PERMISSION_DENIED', 'PRESCRIBER_REFUSED'];
  assert.deepStrictEqual(await why(at, { confirmed_by: 'nurse-1' }), refusal, 'the nurse who gives it');
  assert.deepStrictEqual(await why(at, { confirmed_by: ' Nurse-Second' }), refusal, 'the nurse who watches');
  assert.deepStrictEqual(await why(at, { confirmed_by: 'physician-nobody-knows' }), refusal, 'nobody');
  await site.orders.call('ListOrders', { patient_id: at.patient.id }, site.as('nurse', { sub: 'nurse-known' }));
  assert.deepStrictEqual(await why(at, { confirmed_by: 'nurse-known' }), refusal, 'a person who is no physician');
  const there = physician('physician-there');
  await list(there);
  assert.deepStrictEqual(await why(at, { confirmed_by: 'physician-there', second_person_token: there.token }), refusal, 'a physician who is one of the two');
  assert.deepStrictEqual(await why(at, { confirmed_by: 'x'.repeat(129) }), ['INVALID_ARGUMENT', 'confirmed_by']);
  assert.strictEqual(await doses(site, at.order), 0);
  assert.strictEqual(await site.rows('cosignature'), 0);
});

test('nobody is named where nothing is overridden on their word', async () => {
  const { sub } = await prescriber();
  const at = await bedside(site);
  for (const more of [{ confirmed_by: sub }, held('HELD', { confirmed_by: sub })]) {
    assert.strictEqual((await refused(site, at, more)).field, 'confirmed_by');
  }
});

test('the dose says on whose word it was given, and awaits that prescriber\'s co-signature', async () => {
  const who = await prescriber(), other = await prescriber();
  const at = await stopped();
  const before = (await site.outbox()).length;
  const answer = await onWord(at, who.sub);
  assert.strictEqual(answer.recorded, true);
  const dose = answer.administration;
  assert.deepStrictEqual(dose.cosignature, { prescriber: who.sub, rule_ids: [HARD], state: 'STATE_AWAITED', at_us: '0' });
  assert.strictEqual(answer.decision.confirmed_by, who.sub);
  const event = (await site.outbox()).slice(before).find((e) => e.action.endsWith('/Administer'));
  assert.deepStrictEqual([event.detail.confirmed_by, event.detail.second_person], [who.sub, 'nurse-second']);
  const { decision } = await site.orders.call('GetDecision', { decision_id: dose.decision_id }, site.who('nurse'));
  assert.strictEqual(decision.confirmed_by, who.sub, 'stored');

  assert.deepStrictEqual(await ids(who), [dose.administration_id]);
  assert.deepStrictEqual(await ids(other), []);
  assert.deepStrictEqual(await ids(site.who('nurse'), { ward: 'ward-3' }), [dose.administration_id], 'the ward sees what is awaited');
  const elsewhere = await failure(list(site.as('nurse', { ward: 'ward-9' }), { ward: 'ward-3' }));
  assert.deepStrictEqual([elsewhere.code, elsewhere.reason], ['PERMISSION_DENIED', 'WARD_NOT_YOURS']);
  assert.strictEqual((await failure(list(site.who('nurse')))).field, 'ward', 'a nurse has no list of their own');
});

test('the prescriber signs it, once, and nobody else does', async () => {
  const who = await prescriber(), other = await prescriber();
  const dose = (await onWord(await stopped(), who.sub.toUpperCase())).administration;
  const not = await failure(cosign(other, dose));
  assert.deepStrictEqual([not.code, not.reason], ['NOT_FOUND', 'ADMINISTRATION_NOT_FOUND']);
  assert.strictEqual((await failure(cosign(site.who('nurse'), dose))).code, 'PERMISSION_DENIED');
  assert.strictEqual((await failure(cosign(who, dose, 'AWAITED'))).field, 'state');

  const key = site.key(), before = (await site.outbox()).length;
  const { administration: signed } = await cosign(who, dose, 'SIGNED', key);
  assert.deepStrictEqual([signed.version, signed.cosignature.state, signed.written_by], [2, 'STATE_SIGNED', who.sub]);
  assert.ok(Number(signed.cosignature.at_us) > Number(dose.recorded_at_us));
  assert.deepStrictEqual((await cosign(who, dose, 'SIGNED', key)).administration, signed, 'the same call again');
  const twice = await failure(cosign(who, dose, 'DISPUTED'));
  assert.deepStrictEqual([twice.code, twice.reason], ['FAILED_PRECONDITION', 'COSIGNED']);
  const [event] = (await site.outbox()).slice(before);
  assert.deepStrictEqual([event.action.split('/').pop(), event.actor, event.patient, event.detail.administration, event.detail.cosigned],
    ['Cosign', who.sub, dose.patient_id, dose.administration_id, 'signed']);
  assert.deepStrictEqual(await ids(who), []);
  assert.ok(!(await ids(site.who('nurse'), { ward: 'ward-3' })).includes(dose.administration_id));
  assert.strictEqual((await versions(site, dose)).length, 2);
  assert.strictEqual(await site.rows('slot_taken', `administration_id = ${site.hex(dose.administration_id)}`), 1, 'the slot stays taken');
});

test('a prescriber who did not confirm it disputes it, and the ward sees that', async () => {
  const who = await prescriber();
  const dose = (await onWord(await stopped(), who.sub)).administration;
  // The prescriber's ward is another by now: records would not let them read the chart.
  const moved = physician(who.sub, { ward: 'ward-9' });
  const { administration } = await cosign(moved, dose, 'DISPUTED');
  assert.strictEqual(administration.cosignature.state, 'STATE_DISPUTED');
  assert.deepStrictEqual(await ids(who), []);
  const seen = (await list(site.who('pharmacist'), { ward: 'ward-3' })).administrations.find((d) => d.administration_id === dose.administration_id);
  assert.strictEqual(seen.cosignature.state, 'STATE_DISPUTED');
  const listed = async () => (await site.api('tracking').call('ListWorkarounds', { page_size: 200 }, site.who('safety-officer'))).workarounds
    .filter((w) => w.kind === 'WORKAROUND_KIND_CONFIRMATION_DISPUTED');
  await until('the safety officer is told', async () => (await listed()).length > 0);
  const [w, ...others] = await listed();
  assert.deepStrictEqual([w.actor, w.ward, w.count, w.evidence, others], ['nurse-1', 'ward-3', 1, [dose.administration_id], []], 'what was signed is none');
  assert.match(w.text.en, /disputes the confirmation/);
  assert.ok(!JSON.stringify(w).includes(dose.patient_id));
});

test('a correction keeps whose word it was, and the list comes in pages', async () => {
  const who = await prescriber();
  const given = [];
  for (let i = 0; i < 3; i++) given.push((await onWord(await stopped(), who.sub)).administration);
  const { administration: wrong } = await correct(site, given[0], { entered_in_error: true });
  assert.deepStrictEqual([wrong.entered_in_error, wrong.cosignature.state], [true, 'STATE_AWAITED']);
  const seen = [];
  let page_token = '';
  do {
    const page = await list(who, { page_size: 1, page_token });
    seen.push(...page.administrations.map((d) => d.administration_id));
    page_token = page.next_page_token;
  } while (page_token);
  assert.deepStrictEqual(seen, given.map((d) => d.administration_id));
  const foreign = await failure(list(await prescriber(), { page_size: 1, page_token: (await list(who, { page_size: 1 })).next_page_token }));
  assert.deepStrictEqual([foreign.code, foreign.reason], ['INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID'], 'another person\'s page');
});

test('an erased patient awaits nobody\'s word', async () => {
  const who = await prescriber();
  const at = await stopped();
  const dose = (await onWord(at, who.sub)).administration;
  await site.api('dosageadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: at.patient.id, reason_code: 'patient-request' }, site.who('privacy-officer'));
  assert.deepStrictEqual(await ids(who), []);
  assert.strictEqual((await failure(cosign(who, dose))).reason, 'ADMINISTRATION_NOT_FOUND');
  assert.strictEqual(await site.rows('cosignature', `administration_id = ${site.hex(dose.administration_id)}`), 0);
});

test('one prescriber and ten signatures at once are one', async () => {
  const who = await prescriber();
  const dose = (await onWord(await stopped(), who.sub)).administration;
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => cosign(who, dose)));
  assert.strictEqual(answers.filter((a) => a.status === 'fulfilled').length, 1);
  assert.strictEqual((await versions(site, dose)).length, 2);
});
