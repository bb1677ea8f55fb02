'use strict';
// SetUsePolicy and ListUsePolicies, and what a purpose's policy makes of Verify.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { Site, skip } = require('./site');

const OTHERWISE = {
  purpose: '', liveness: 'LIVENESS_POLICY_ATTENDED', max_fmr: 1e-4, allow_face: true, allow_wristband: true,
  allow_search: false, witness: false, set_by: '', set_at_us: '0',
};

let site, id;
before(async () => {
  if (skip) return;
  site = await Site.start();
  id = (await site.enrol(site.anna)).subject_id;
});
after(() => site && site.stop());

const set = (policy, token = site.tokens['security-officer']) => site.admin.call('SetUsePolicy', { policy }, token);
const refused = (policy, token = site.tokens['security-officer']) => site.admin.failure('SetUsePolicy', { policy }, token);
const list = (token = site.tokens.auditor) => site.admin.call('ListUsePolicies', {}, token);
const method = (a) => JSON.parse(Buffer.from(a.token.split('.')[1], 'base64url')).method;

describe('a use of identity', { skip }, () => {
  test('without a policy is attended, 1e-4 and not searched', async () => {
    assert.deepEqual(await list(), { policies: [], otherwise: OTHERWISE });
    const a = await site.verify(id, site.anna, { attended: false });
    assert.deepEqual([a.outcome, a.reasons[0].reason, a.score, a.token], ['OUTCOME_UNUSABLE', 'LIVENESS_REQUIRED', 0, '']);
    assert.deepEqual([a.liveness.policy, a.liveness.attended, a.liveness.satisfied], ['LIVENESS_POLICY_ATTENDED', false, false]);
    const b = await site.verify(id, site.anna);
    assert.deepEqual([b.outcome, method(b), b.liveness.satisfied, b.liveness.passive_score], ['OUTCOME_MATCH', 'face+attended', true, -1]);
  });

  test('asks for what its policy says, from the next call on', async () => {
    const policy = { purpose: 'kiosk', liveness: 'LIVENESS_POLICY_PASSIVE', max_fmr: 1e-3, allow_face: true };
    const { event_id } = await set(policy);
    const [kept] = (await list()).policies;
    assert.deepEqual({ ...kept, set_at_us: 0 }, { ...OTHERWISE, ...policy, allow_wristband: false, set_by: 'security-officer-1', set_at_us: 0 });
    assert.ok(Math.abs(Number(kept.set_at_us) / 1000 - Date.now()) < 60000);
    const e = await site.lastEvent();
    assert.equal(e.event_id, event_id);
    assert.deepEqual([e.patient, e.actor, e.detail.for, e.detail.liveness, e.detail.max_fmr],
      ['', 'security-officer-1', 'kiosk', 'face+passive', '0.001']);
    const a = await site.verify(id, site.anna, { purpose: 'kiosk', attended: false });
    assert.deepEqual([a.outcome, method(a), a.fmr], ['OUTCOME_MATCH', 'face+passive', 1e-4]);
    assert.ok(a.liveness.passive_score >= a.liveness.passive_threshold);

    await set({ ...policy, liveness: 'LIVENESS_POLICY_NONE', max_fmr: 0 });
    const b = await site.verify(id, site.anna, { purpose: 'kiosk', attended: false });
    assert.deepEqual([b.outcome, method(b), b.fmr, b.liveness.passive_score], ['OUTCOME_MATCH', 'face', 1e-4, -1]);
    assert.equal((await list()).policies.length, 1);
  });

  test('is never looser than its policy, however loose the caller', async () => {
    await set({ purpose: 'lounge', liveness: 'LIVENESS_POLICY_NONE', max_fmr: 1e-3, allow_face: true });
    for (const [max_fmr, fmr] of [[0, 1e-4], [1e-3, 1e-3], [1e-5, 1e-5]]) {
      assert.equal((await site.verify(id, site.anna, { purpose: 'lounge', max_fmr })).fmr, fmr);
    }
    await set({ purpose: 'narcotics', liveness: 'LIVENESS_POLICY_NONE', max_fmr: 1e-5, allow_face: true });
    for (const [max_fmr, fmr] of [[0, 1e-5], [1e-3, 1e-5], [1e-4, 1e-5], [1e-6, 1e-6]]) {
      assert.equal((await site.verify(id, site.anna, { purpose: 'narcotics', max_fmr })).fmr, fmr);
    }
  });

  test('that allows no face refuses one', async () => {
    await set({ purpose: 'no-face', liveness: 'LIVENESS_POLICY_NONE', allow_wristband: true });
    const e = await site.wardctl.failure('Verify', site.verification(id, site.anna, { purpose: 'no-face' }), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'WAY_NOT_ALLOWED']);
    assert.equal((await site.lastEvent()).code, 'FAILED_PRECONDITION/WAY_NOT_ALLOWED');
  });

  const fine = { purpose: 'fine', liveness: 'LIVENESS_POLICY_NONE', allow_face: true };
  for (const [field, policy] of [['policy', undefined], ['policy.purpose', { ...fine, purpose: '' }], ['policy.purpose', { ...fine, purpose: 'Ward 3' }],
    ['policy.purpose', { ...fine, purpose: 'w'.repeat(65) }], ['policy.liveness', { ...fine, liveness: 'LIVENESS_POLICY_UNSPECIFIED' }],
    ['policy.liveness', { ...fine, liveness: 9 }], ['policy.max_fmr', { ...fine, max_fmr: 0.01 }], ['policy.max_fmr', { ...fine, max_fmr: 1e-9 }],
    ['policy.max_fmr', { ...fine, max_fmr: -1 }], ['policy.max_fmr', { ...fine, max_fmr: NaN }], ['policy', { ...fine, allow_face: false }]]) {
    test(`with a bad ${field} is refused by name: ${JSON.stringify(policy)}`, async () => {
      const e = await refused(policy);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
      assert.ok((await list()).policies.every((p) => p.purpose !== 'fine'));
    });
  }

  test('is changed by a security officer only', async () => {
    for (const role of ['registrar', 'nurse', 'identity-admin', 'privacy-officer', 'auditor', 'porter']) {
      assert.equal((await refused(fine, site.tokens[role])).code, 'PERMISSION_DENIED');
      assert.deepEqual([(await site.lastEvent()).outcome, (await site.lastEvent()).actor], ['OUTCOME_REFUSED', `${role}-1`]);
    }
    const porter = await site.admin.failure('ListUsePolicies', {}, site.tokens.porter);
    assert.equal(porter.code, 'PERMISSION_DENIED');
    const devices = site.ward.client('identity', { api: 'admin', as: 'devices' });
    assert.equal((await devices.failure('SetUsePolicy', { policy: fine }, site.tokens['security-officer'])).code, 'PERMISSION_DENIED');
  });

  test('whose policy cannot be read is not used', async () => {
    await set({ ...fine, purpose: 'broken' });
    await site.sql("UPDATE use_policy SET max_fmr = 0.5 WHERE purpose = 'broken'");
    const e = await site.wardctl.failure('Verify', site.verification(id, site.anna, { purpose: 'broken' }), site.tokens.nurse);
    assert.equal(e.code, 'DATA_LOSS');
    await site.sql("DELETE FROM use_policy WHERE purpose = 'broken'");
  });
});

describe('enrolment', { skip }, () => {
  const enrolment = (liveness) => site.admin.call('SetUsePolicy', {
    policy: { purpose: 'enrolment', liveness: `LIVENESS_POLICY_${liveness}`, allow_face: true, allow_wristband: true },
  }, site.tokens['security-officer']);
  const failure = async (photograph, more = {}) => (await site.wardctl.failure('Enrol', site.enrolment(photograph, more), site.tokens.registrar)).reason;
  after(() => site && enrolment('NONE'));

  test('asks the liveness of its policy, for one more photograph too', async () => {
    const { subject_id } = await site.enrol(site.anna); // none is set
    const add = (more) => ({ idempotency_key: site.key(), subject_id, photograph: site.annaAgain, ...more });
    await enrolment('ATTENDED');
    assert.equal(await failure(site.anna), 'LIVENESS_REQUIRED');
    assert.equal((await site.lastEvent()).code, 'FAILED_PRECONDITION/LIVENESS_REQUIRED');
    assert.equal((await site.wardctl.failure('AddTemplate', add(), site.tokens.registrar)).reason, 'LIVENESS_REQUIRED');
    await site.enrol(site.anna, { attended: true });
    assert.equal((await site.lastEvent()).detail.attended, 'yes');
    await site.wardctl.call('AddTemplate', add({ attended: true }), site.tokens.registrar);
    await enrolment('ACTIVE');
    assert.equal(await failure(site.anna, { attended: true }), 'LIVENESS_REQUIRED');
  });
});
