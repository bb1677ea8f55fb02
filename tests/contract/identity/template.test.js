'use strict';
// AddTemplate and RemoveTemplate.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const pictures = require('../../lib/pictures');
const { Site, skip, UUID, nobody, to } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.shared(); });
after(() => site && site.stop());

const addition = (subject_id, photograph, more = {}) => ({ idempotency_key: site.key(), subject_id, photograph, ...more });
const add = (...args) => site.wardctl.call('AddTemplate', addition(...args), site.tokens.registrar);
const refused = (...args) => site.wardctl.failure('AddTemplate', addition(...args), site.tokens.registrar);
const remove = (subject_id, template_id) => site.wardctl.call('RemoveTemplate', { subject_id, template_id }, site.tokens.registrar);

describe('AddTemplate', { skip }, () => {
  test('another capture of the same face is added, and both are used together', async () => {
    const { subject_id, template_id } = await site.enrol(site.anna);
    const alone = await site.verify(subject_id, site.annaAgain);
    const apart = await site.exact();
    const a = await add(subject_id, site.annaAgain);
    assert.match(a.template_id, UUID);
    assert.match(a.model_sha256, /^[0-9a-f]{64}$/);
    assert.equal(a.score, alone.score, 'the score is that of Verify');
    assert.ok(Math.abs(await site.exact() - apart) < 1e-3);
    assert.equal(a.quality.faces, 1);
    const both = await site.verify(subject_id, site.annaAgain);
    assert.deepEqual([both.templates, alone.templates], [2, 1]);
    const fused = await site.exact();
    assert.ok(fused > apart);
    // The mean of two vectors of length 1 whose cosine is s is at the cosine sqrt((1 + s) / 2) to each.
    assert.ok(Math.abs(fused - Math.sqrt((1 + apart) / 2)) < 1e-3);
    assert.deepEqual((await site.get(subject_id)).templates.map((t) => t.template_id), [template_id, a.template_id]);
    const events = await site.outbox();
    const e = events.find((x) => x.detail.template === a.template_id);
    assert.deepEqual([e.action, e.patient], ['/ward.identity.v1.Identity/AddTemplate', subject_id]);
  });

  test('another face is refused', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const e = await refused(subject_id, site.bert);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'FACE_DIFFERS']);
    assert.equal(await site.rows('template', subject_id), 1);
    assert.equal((await site.lastEvent()).code, 'FAILED_PRECONDITION/FACE_DIFFERS');
  });

  test('the same key gives the first answer, for another photograph a refusal', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const req = addition(subject_id, site.annaAgain);
    const first = await site.wardctl.call('AddTemplate', req, site.tokens.registrar);
    assert.deepEqual(await site.wardctl.call('AddTemplate', req, site.tokens.registrar), first);
    assert.equal(await site.rows('template', subject_id), 2);
    const e = await site.wardctl.failure('AddTemplate', { ...req, photograph: site.anna }, site.tokens.registrar);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
  });

  test('the same key gives the first answer after a withdrawal too', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const req = addition(subject_id, site.annaAgain);
    const first = await site.wardctl.call('AddTemplate', req, site.tokens.registrar);
    await site.wardctl.call('WithdrawConsent', { subject_id }, site.tokens.registrar);
    assert.deepEqual(await site.wardctl.call('AddTemplate', req, site.tokens.registrar), first);
    assert.deepEqual([await site.rows('template', subject_id), (await site.lastEvent()).detail.replayed], [0, 'yes']);
  });

  test('two strangers sent at once to a subject without a template do not both get in', async () => {
    const { subject_id, template_id } = await site.enrol(site.anna);
    await remove(subject_id, template_id);
    const answers = await Promise.allSettled([add(subject_id, site.anna), add(subject_id, site.bert)]);
    assert.equal(answers.filter((a) => a.status === 'fulfilled').length, 1);
    assert.equal(answers.find((a) => a.status === 'rejected').reason.reason, 'FACE_DIFFERS');
  });

  test('without a consent to a use of the face nothing is added', async () => {
    const { subject_id } = await site.enrol(site.anna);
    await site.wardctl.call('WithdrawConsent', { subject_id }, site.tokens.registrar);
    assert.equal((await refused(subject_id, site.anna)).reason, 'NO_CONSENT');
    await site.wardctl.call('GiveConsent', { subject_id, consent: to('teaching') }, site.tokens.registrar);
    assert.equal((await refused(subject_id, site.anna)).reason, 'NO_CONSENT');
    assert.equal(await site.rows('face_key', subject_id), 0);
  });

  test('someone registered without a face gets one with a consent', async () => {
    const { subject_id } = await site.wardctl.call('RegisterSubject', { idempotency_key: site.key(), kind: 'SUBJECT_KIND_STAFF' }, site.tokens.registrar);
    await site.wardctl.call('GiveConsent', { subject_id, consent: to('staff-access') }, site.tokens.registrar);
    await add(subject_id, site.anna);
    assert.equal((await site.verify(subject_id, site.annaAgain)).outcome, 'OUTCOME_MATCH');
    assert.match((await site.get(subject_id)).key_sha256, /^[0-9a-f]{64}$/);
  });

  test('the photograph is kept beside the template where that was agreed to', async () => {
    const { subject_id } = await site.enrol(site.anna);
    await add(subject_id, site.annaAgain);
    assert.equal(await site.rows('sealed_photo', subject_id), 0);
    await site.wardctl.call('GiveConsent', { subject_id, consent: to('photo-retention') }, site.tokens.registrar);
    const a = await add(subject_id, site.annaAgain);
    const [[template]] = await site.sql(`SELECT LOWER(HEX(template_id)) FROM sealed_photo WHERE subject_id = ${site.hex(subject_id)}`);
    assert.equal(template, a.template_id.replaceAll('-', ''));
    await remove(subject_id, a.template_id);
    assert.equal(await site.rows('sealed_photo', subject_id), 0);
  });

  test('a hundred of one model are enough', async () => {
    const { subject_id } = await site.enrol(site.anna);
    await site.sql(`INSERT INTO template (template_id, subject_id, model_sha256, sealed, generation, dim, eye_distance_px, detection_score, created_at_us)
      SELECT UNHEX(REPLACE(UUID(), '-', '')), subject_id, model_sha256, sealed, generation, dim, 30, 0.9, 1 FROM template, seq_1_to_99
      WHERE subject_id = ${site.hex(subject_id)}`);
    assert.equal(await site.rows('template', subject_id), 100);
    const e = await refused(subject_id, site.annaAgain);
    assert.deepEqual([e.code, e.reason], ['RESOURCE_EXHAUSTED', 'TOO_MANY_TEMPLATES']);
  });

  test('templates of a model that is not loaded are not compared with', async () => {
    const { subject_id } = await site.enrol(site.anna);
    await site.sql(`UPDATE template SET model_sha256 = REPEAT('0', 64) WHERE subject_id = ${site.hex(subject_id)}`);
    const e = await refused(subject_id, site.annaAgain);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'MODEL_CHANGED']);
  });

  test('bad requests are named, nobody is not found, bad photographs are refused', async () => {
    const { subject_id } = await site.enrol(site.anna);
    for (const [field, req] of [['idempotency_key', { idempotency_key: '' }], ['subject_id', { subject_id: 'anna' }],
      ['photograph', { photograph: Buffer.alloc(0) }], ['photograph', { photograph: crypto.randomBytes(100) }]]) {
      const e = await site.wardctl.failure('AddTemplate', { ...addition(subject_id, site.anna), ...req }, site.tokens.registrar);
      assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
    }
    assert.equal((await refused(nobody, site.anna)).reason, 'SUBJECT_NOT_FOUND');
    assert.equal((await refused(subject_id, pictures.png(pictures.plain(300, 300)))).reason, 'FACE_NOT_FOUND');
  });
});

describe('RemoveTemplate', { skip }, () => {
  test('takes one away, and again is fine', async () => {
    const { subject_id, template_id } = await site.enrol(site.anna);
    await add(subject_id, site.annaAgain);
    assert.equal((await remove(subject_id, template_id)).removed, true);
    assert.equal((await remove(subject_id, template_id)).removed, false);
    assert.equal((await site.lastEvent()).detail.already, 'yes');
    assert.equal((await site.verify(subject_id, site.annaAgain)).templates, 1);
  });

  test("another subject's is not touched", async () => {
    const [a, b] = [await site.enrol(site.anna), await site.enrol(site.bert)];
    assert.equal((await remove(a.subject_id, b.template_id)).removed, false);
    assert.equal(await site.rows('template', b.subject_id), 1);
  });

  test('nobody is not found, no UUID is invalid', async () => {
    const who = site.tokens.registrar;
    const e = await site.wardctl.failure('RemoveTemplate', { subject_id: nobody, template_id: nobody }, who);
    assert.equal(e.reason, 'SUBJECT_NOT_FOUND');
    for (const [field, req] of [['subject_id', { subject_id: '', template_id: nobody }], ['template_id', { subject_id: nobody, template_id: 'x' }]]) {
      const f = await site.wardctl.failure('RemoveTemplate', req, who);
      assert.deepEqual([f.code, f.field], ['INVALID_ARGUMENT', field]);
    }
  });
});
