'use strict';
// IdentityAdmin's GetStatus and Reembed.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { models, packs } = require('../../lib/paths');
const { Site, until, skip, UUID, to, ROLES } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.start({ services: ['identity', 'identity2'], env: { identity: { WARD_FACES_LIMIT: '77' } } }); });
after(() => site && site.stop());

const status = () => site.admin.call('GetStatus', {}, site.tokens.auditor);
async function reembed(client = site.admin) {
  const said = [];
  for await (const m of client.stream('Reembed', {}, site.tokens['identity-admin'])) said.push(m);
  assert.deepEqual(said.map((m) => m.finished), said.map((_, i) => i === said.length - 1));
  return said.at(-1);
}
// As if these were enrolled with a model before this one.
const age = (...ids) => site.sql(`UPDATE template SET model_sha256 = REPEAT('0', 64) WHERE subject_id IN (${ids.map((id) => site.hex(id)).join(',')})`);
const keep = { more_consents: [to('photo-retention')] };

describe('GetStatus', { skip }, () => {
  test('says what this replica runs on, holds and has loaded', async () => {
    await site.enrol(site.anna);
    await until('loaded', async () => (await status()).gallery_ready);
    const s = await status();
    assert.deepEqual([s.pack, s.former_pack, s.former_model_sha256, s.device, s.degraded], ['faceplugin', '', '', 'cpu', false]);
    assert.match(s.model_sha256, /^[0-9a-f]{64}$/);
    assert.deepEqual(s.devices.map((d) => [d.backend, d.kind, d.ready, d.why]), [['cpu', 'cpu', true, '']]);
    assert.match(s.calibration_source, /LFW/);
    assert.equal(s.calibration_warning, '', 'no group of adults above ten times the rate');
    assert.deepEqual([s.faces_limit, s.root_key_kind, s.rows_on_former_keks, s.faces_need_capture], ['77', 'file', '0', '0']);
    assert.match(s.root_key_id, /^[0-9a-f]{16}$/);
    assert.ok(s.kek >= 1);
    const [[faces], [subjects]] = await site.sql('SELECT COUNT(*) FROM template UNION ALL SELECT COUNT(*) FROM subject WHERE erased_at_us IS NULL');
    assert.deepEqual([s.faces, s.subjects], [faces, subjects]);
    const [[seq]] = await site.sql('SELECT seq FROM gallery_head');
    await until('followed', async () => (await status()).gallery_seq === seq);
  });

  test('is for those who run it', async () => {
    for (const role of ROLES) {
      const may = ['identity-admin', 'security-officer', 'privacy-officer', 'auditor'].includes(role);
      const answer = await site.admin.call('GetStatus', {}, site.tokens[role]).then(() => 'OK', (e) => e.code);
      assert.equal(answer, may ? 'OK' : 'PERMISSION_DENIED', role);
    }
    assert.equal((await site.ward.client('identity', { api: 'admin', as: 'devices' }).failure('GetStatus', {}, site.tokens.auditor)).code, 'PERMISSION_DENIED');
  });
});

describe('Reembed', { skip }, () => {
  test('makes templates of the loaded model from kept photographs, and counts who needs a new one', async () => {
    const [kept, bare] = [await site.enrol(site.anna, keep), await site.enrol(site.bert)];
    const again = await site.wardctl.call('AddTemplate', { idempotency_key: site.key(), subject_id: kept.subject_id, photograph: site.annaAgain }, site.tokens.registrar);
    await age(kept.subject_id, bare.subject_id);
    const e = await site.wardctl.failure('Verify', site.verification(kept.subject_id, site.anna), site.tokens.nurse);
    assert.equal(e.reason, 'MODEL_CHANGED');
    assert.equal((await status()).faces_need_capture, '1');
    const last = await reembed();
    assert.deepEqual([last.done, last.total, last.made, last.unusable, last.need_capture], ['1', '1', '2', '0', '1']);
    assert.match(last.event_id, UUID);
    const s = await site.get(kept.subject_id);
    assert.deepEqual(s.templates.map((t) => t.model_sha256 === again.model_sha256), [false, false, true, true]);
    assert.equal((await site.verify(kept.subject_id, site.anna)).templates, 2);
    const events = (await site.outbox()).filter((x) => x.action.endsWith('/Reembed'));
    assert.deepEqual(events.map((x) => x.patient), [kept.subject_id, '']);
    // The photographs belong to the newest templates now, and go with them.
    const fresh = s.templates.slice(2).map((t) => t.template_id);
    for (const template_id of fresh) {
      await site.wardctl.call('RemoveTemplate', { subject_id: kept.subject_id, template_id }, site.tokens.registrar);
    }
    assert.equal(await site.rows('sealed_photo', kept.subject_id), 0);
    assert.equal((await reembed()).made, '0');
  });

  test('again makes nothing, and two at once make one of each', async () => {
    const subjects = [];
    for (let i = 0; i < 6; i++) subjects.push((await site.enrol(i % 2 ? site.anna : site.bert, keep)).subject_id);
    await age(...subjects);
    const two = await Promise.all([reembed(), reembed(site.ward.client('identity2', { api: 'admin' }))]);
    assert.equal(two.reduce((n, m) => n + Number(m.made), 0), 6);
    for (const id of subjects) assert.equal(await site.rows('template', id), 2);
    assert.deepEqual([(await reembed()).made, (await reembed()).total], ['0', '0']);
  });

  test('one photograph that cannot be opened is counted and stands in nobody\'s way', async () => {
    const [bad, good] = [await site.enrol(site.anna, keep), await site.enrol(site.bert, keep)];
    await age(bad.subject_id, good.subject_id);
    await site.sql(`UPDATE sealed_photo SET sealed = REVERSE(sealed) WHERE subject_id = ${site.hex(bad.subject_id)}`);
    const last = await reembed();
    assert.deepEqual([last.done, last.total, last.made, last.unusable], ['2', '2', '1', '1']);
    assert.equal((await site.verify(good.subject_id, site.bert)).outcome, 'OUTCOME_MATCH');
  });

  test('a subject whose key cannot be opened is counted and stands in nobody\'s way', async () => {
    const [a, b] = [await site.enrol(site.anna, keep), await site.enrol(site.bert, keep)];
    const [bad, good] = [a, b].sort((x, y) => (x.subject_id < y.subject_id ? -1 : 1));
    await age(bad.subject_id, good.subject_id);
    await site.sql(`UPDATE face_key SET wrapped = REVERSE(wrapped) WHERE subject_id = ${site.hex(bad.subject_id)}`);
    const last = await reembed();
    assert.equal(await site.rows('template', good.subject_id), 2);
    assert.deepEqual([last.made, last.done], ['1', last.total]);
    await site.wardctl.call('EraseSubject', { subject_id: bad.subject_id }, site.tokens['privacy-officer']);
    assert.equal(Number(last.unusable) - Number((await reembed()).unusable), 1);
  });

  test('is for identity-admin by wardctl', async () => {
    for (const role of ROLES.filter((r) => r !== 'identity-admin')) {
      await assert.rejects(async () => { for await (const m of site.admin.stream('Reembed', {}, site.tokens[role])) assert.ok(m); }, { code: 'PERMISSION_DENIED' });
    }
  });
});

const both = ['faceplugin/fr_feature.onnx', 'clear/feature.onnx'].every((f) => fs.existsSync(path.join(models, f))) &&
  fs.existsSync(path.join(packs, 'clear/calibration.json'));

test('two models live side by side until everyone has templates of the new one', { skip: skip || (both ? false : 'no second pack') }, async (t) => {
  const old = await Site.start({ env: { identity: { WARD_PACK: 'clear' } } });
  t.after(() => old.stop());
  const { identity } = old.ward.services;
  const say = () => old.admin.call('GetStatus', {}, old.tokens.auditor);
  const add = (subject_id, photograph) => ({ idempotency_key: old.key(), subject_id, photograph });
  const kept = (await old.enrol(old.anna, keep)).subject_id;
  const [bare, late] = [(await old.enrol(old.anna)).subject_id, (await old.enrol(old.anna)).subject_id];
  const before = await say();
  assert.deepEqual([before.pack, before.former_pack], ['clear', '']);
  assert.match(before.calibration_warning, /within some groups of adults .* more than ten times/);
  await identity.stop();
  Object.assign(identity.env, { WARD_PACK: 'faceplugin', WARD_FORMER_PACK: 'clear' });
  await identity.start();

  const s = await say();
  assert.deepEqual([s.pack, s.former_pack, s.former_model_sha256, s.faces_need_capture], ['faceplugin', 'clear', before.model_sha256, '2']);
  assert.equal(s.calibration_warning, '');
  const seen = await old.verify(bare, old.annaAgain);
  assert.deepEqual([seen.outcome, seen.model_sha256], ['OUTCOME_MATCH', before.model_sha256]);
  assert.equal((await old.verify(bare, old.bert)).outcome, 'OUTCOME_NO_MATCH');

  // A new capture is held against the old model's templates, and makes one of the new model.
  const e = await old.wardctl.failure('AddTemplate', add(bare, old.bert), old.tokens.registrar);
  assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'FACE_DIFFERS']);
  const a = await old.wardctl.call('AddTemplate', add(bare, old.annaAgain), old.tokens.registrar);
  assert.equal(a.model_sha256, s.model_sha256);
  assert.ok(a.score >= 0.486);
  assert.ok(await old.exact() > 0.5);
  assert.equal((await old.verify(bare, old.anna)).model_sha256, s.model_sha256);

  let last;
  for await (const m of old.admin.stream('Reembed', {}, old.tokens['identity-admin'])) last = m;
  assert.deepEqual([last.made, last.need_capture], ['1', '1']);
  assert.equal((await old.verify(kept, old.annaAgain)).model_sha256, s.model_sha256);
  assert.deepEqual((await old.get(kept)).templates.map((x) => x.model_sha256), [before.model_sha256, s.model_sha256]);
  assert.equal((await old.verify(late, old.annaAgain)).model_sha256, before.model_sha256);
});
