'use strict';
// Capture quality: each reason of identity.proto's head, at Verify an answer and at Enrol a refusal,
// and what was measured. Verify itself is in identity.test.js.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { models } = require('../../lib/paths');
const pictures = require('../../lib/pictures');
const { turned, christian } = require('./motion');
const { Site, skip } = require('./site');

let site, id, face;
before(async () => {
  if (skip) return;
  site = await Site.shared();
  face = pictures.portrait('christian');
  id = (await site.enrol(pictures.jpeg('christian'))).subject_id;
});
after(() => site && site.stop());

// Blurred by running means, three times as good as a Gaussian.
function blurred(im, r) {
  let from = im.rgb;
  for (let pass = 0; pass < 6; pass++) {
    const [dx, dy] = pass % 2 ? [0, 1] : [1, 0], to = Buffer.alloc(from.length);
    for (let y = 0; y < im.h; y++) {
      for (let x = 0; x < im.w; x++) {
        for (let k = 0; k < 3; k++) {
          let sum = 0;
          for (let i = -r; i <= r; i++) {
            const [u, v] = [Math.min(im.w - 1, Math.max(0, x + i * dx)), Math.min(im.h - 1, Math.max(0, y + i * dy))];
            sum += from[3 * (v * im.w + u) + k];
          }
          to[3 * (y * im.w + x) + k] = sum / (2 * r + 1);
        }
      }
    }
    from = to;
  }
  return { ...im, rgb: from };
}


const BAD = [
  ['FACE_BLURRED', () => pictures.png(blurred(face, 3)), /hold the camera/, (q) => q.sharpness < 12],
  ['FACE_TOO_DARK', () => pictures.png(pictures.recapture(face, { bright: 0.12 })), /light/, (q) => q.brightness < 22],
  ['FACE_TOO_BRIGHT', () => pictures.png(pictures.recapture(face, { bright: 3.2 })), /sun or the lamp/, (q) => q.brightness > 200 && q.clipped > 0.3],
  ['FACE_TURNED', () => pictures.png(pictures.recapture(face, { turn: 0.85 })), /straight into the camera/, (q) => Math.abs(q.roll_deg) > 35],
  ['FACE_OCCLUDED', () => pictures.jpeg('team-1'), /the mask, the glasses/, (q) => q.occlusion > 0.5],
  ['FACE_CROPPED', () => pictures.png(pictures.crop(face, 188, 100, 130, 140)), /step back/, () => true],
];

describe('a photograph that cannot be used', { skip }, () => {
  for (const [reason, make, advice, measured] of BAD) {
    test(`${reason} is an answer of Verify with what to do, and a refusal of Enrol`, async () => {
      const photograph = make();
      const counted = async () => Number(new RegExp(`ward_identity_photographs_total\\{gate="${reason}"\\} (\\d+)`).exec((await site.ward.services.identity.admin('/metrics')).text)?.[1] ?? 0);
      const before = await counted();
      const a = await site.verify(id, photograph);
      assert.deepEqual([a.outcome, a.score, a.token, a.templates], ['OUTCOME_UNUSABLE', 0, '', 0]);
      assert.deepEqual(a.reasons.map((r) => r.reason), [reason], JSON.stringify(a.quality));
      assert.match(a.reasons[0].text, advice);
      assert.ok(measured(a.quality), JSON.stringify(a.quality));
      assert.equal((await site.lastEvent()).detail.reason, reason);
      const e = await site.wardctl.failure('Enrol', site.enrolment(photograph), site.tokens.registrar);
      assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', reason]);
      assert.match(e.details, advice);
      assert.equal(await counted(), before + 2);
    });
  }

  test('of several people is refused, unless the largest is asked for', async () => {
    const group = pictures.png(pictures.beside(face, pictures.recapture(face, { turn: 0.02 })));
    assert.deepEqual((await site.verify(id, group)).reasons.map((r) => r.reason), ['SEVERAL_FACES']);
    const a = await site.verify(id, group, { largest_only: true });
    assert.deepEqual([a.outcome, a.quality.faces], ['OUTCOME_MATCH', 2]);
  });
});

describe('what is measured of a usable face', { skip }, () => {
  test('is said with every answer', async () => {
    const { quality: q } = await site.verify(id, pictures.jpeg('christian'));
    assert.ok(q.sharpness > 100 && q.brightness > 100 && q.brightness < 160 && q.clipped < 0.1);
    assert.ok(q.yaw_deg > 3 && q.yaw_deg < 12 && Math.abs(q.pitch_deg) < 20 && Math.abs(q.roll_deg) < 10);
    assert.ok(q.occlusion >= 0 && q.occlusion < 0.2);
    assert.equal(q.padded, false);
  });

  test('to the persons own left is positive yaw, to their left shoulder positive roll', async () => {
    const [left, right] = [36, -46].map((d) => site.verify(id, pictures.png(turned(face, christian.head, d))));
    assert.ok((await left).quality.yaw_deg > 15, `${(await left).quality.yaw_deg}`);
    assert.ok((await right).quality.yaw_deg < -15, `${(await right).quality.yaw_deg}`);
    const tilted = await site.verify(id, pictures.png(pictures.recapture(face, { turn: 0.25 })));
    const straight = await site.verify(id, pictures.jpeg('christian'));
    assert.ok(Math.abs(tilted.quality.roll_deg - straight.quality.roll_deg) > 8);
  });

  test('a tight crop is used, and one too tight looked at again with padding, which is said', async () => {
    const a = await site.verify(id, pictures.png(pictures.crop(face, 150, 75, 135, 180)));
    assert.deepEqual([a.outcome, a.quality.padded], ['OUTCOME_MATCH', false], JSON.stringify(a));
    const b = await site.verify(id, pictures.png(pictures.crop(face, 182, 112, 68, 133)));
    assert.deepEqual([b.outcome, b.reasons[0].reason, b.quality.padded, b.quality.faces], ['OUTCOME_UNUSABLE', 'FACE_CROPPED', true, 1]);
  });
});

const clear = fs.existsSync(path.join(models, 'clear/feature.onnx')) ? skip : 'no clear pack (tools/fetch-models)';
describe('templates of another model', { skip: clear }, () => {
  let plain, two, old;
  const restart = async (env) => {
    await plain.ward.services.identity.stop();
    Object.assign(plain.ward.services.identity.env, env);
    await plain.ward.services.identity.start();
  };
  before(async () => {
    if (clear) return;
    plain = await Site.start();
    old = await plain.enrol(pictures.jpeg('christian'));
  });
  after(() => plain && plain.stop());

  test('are compared by that model while it is loaded, with its thresholds', async () => {
    await restart({ WARD_PACK: 'clear', WARD_FORMER_PACK: 'faceplugin' });
    const a = await plain.verify(old.subject_id, pictures.jpeg('christian'));
    assert.deepEqual([a.outcome, a.model_sha256, a.threshold], ['OUTCOME_MATCH', old.model_sha256, 0.57]);
    assert.equal((await plain.verify(old.subject_id, plain.bert)).outcome, 'OUTCOME_NO_MATCH');
    two = await plain.enrol(pictures.jpeg('user7'));
    assert.notEqual(two.model_sha256, old.model_sha256);
    const b = await plain.verify(two.subject_id, plain.annaAgain);
    assert.deepEqual([b.outcome, b.model_sha256], ['OUTCOME_MATCH', two.model_sha256]);
    assert.notEqual(b.threshold, 0.57);
    const call = plain.wardctl.duplex('VerifyVideo', plain.tokens.nurse);
    call.write({ start: { subject_id: old.subject_id, place: 'bed-1', purpose: 'administration', attended: true } });
    for (const at_ms of [0, 100]) call.write({ frame: { photograph: pictures.jpeg('christian'), at_ms } });
    call.end();
    const v = await call.answer;
    assert.deepEqual([v.outcome, v.model_sha256, v.usable_frames], ['OUTCOME_MATCH', old.model_sha256, 2]);
  });

  test('cannot be asked for liveness where the pack has no models for it', async () => {
    const policy = { purpose: 'kiosk', liveness: 'LIVENESS_POLICY_PASSIVE', allow_face: true };
    await plain.admin.call('SetUsePolicy', { policy }, plain.tokens['security-officer']);
    const e = await plain.wardctl.failure('Verify', plain.verification(two.subject_id, plain.anna, { purpose: 'kiosk' }), plain.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'LIVENESS_UNAVAILABLE']);
    const f = await plain.wardctl.failure('StartChallenge', { purpose: 'kiosk' }, plain.tokens.nurse);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'LIVENESS_UNAVAILABLE']);
  });

  test('are not compared by another', async () => {
    await restart({ WARD_PACK: 'clear', WARD_FORMER_PACK: '' });
    const e = await plain.wardctl.failure('Verify', plain.verification(old.subject_id, pictures.jpeg('christian')), plain.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'MODEL_CHANGED']);
    await restart({ WARD_PACK: 'faceplugin', WARD_FORMER_PACK: '' });
    const f = await plain.wardctl.failure('Verify', plain.verification(two.subject_id, plain.anna), plain.tokens.nurse);
    assert.deepEqual([f.code, f.reason], ['FAILED_PRECONDITION', 'MODEL_CHANGED']);
    assert.equal((await plain.verify(old.subject_id, pictures.jpeg('christian'))).outcome, 'OUTCOME_MATCH');
  });
});

describe('a subject whose last template was removed', { skip }, () => {
  test('is not compared', async () => {
    const a = await site.enrol(site.anna);
    await site.wardctl.call('RemoveTemplate', { subject_id: a.subject_id, template_id: a.template_id }, site.tokens.registrar);
    const e = await site.wardctl.failure('Verify', site.verification(a.subject_id, site.anna), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_TEMPLATE']);
  });
});
