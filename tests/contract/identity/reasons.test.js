'use strict';
// A refused photograph is given the reason that helps, and what is no photograph is not enrolled.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const pictures = require('../../lib/pictures');
const { Site, skip } = require('./site');

let site, id, faces;
before(async () => {
  if (skip) return;
  site = await Site.shared();
  faces = Object.fromEntries(['christian', 'michael', 'team-4', 'user7'].filter(pictures.photo).map((name) => [name, pictures.portrait(name)]));
  id = (await site.enrol(pictures.jpeg('christian'))).subject_id;
});
after(() => site && site.stop());

const grey = (p, i) => (77 * p[i] + 150 * p[i + 1] + 29 * p[i + 2]) >> 8;
const toned = (im, f) => {
  const rgb = Buffer.alloc(im.rgb.length);
  for (let i = 0; i < rgb.length; i += 3) rgb.fill(f(grey(im.rgb, i)), i, i + 3);
  return { ...im, rgb };
};
// Floyd and Steinberg's.
function dots(im) {
  const owed = new Float32Array(im.w * im.h + im.w + 2), rgb = Buffer.alloc(im.rgb.length);
  for (let i = 0; i < im.w * im.h; i++) {
    const v = grey(im.rgb, 3 * i) + owed[i], now = v > 127 ? 255 : 0, off = (v - now) / 16;
    rgb.fill(now, 3 * i, 3 * i + 3);
    owed[i + 1] += 7 * off; owed[i + im.w - 1] += 3 * off; owed[i + im.w] += 5 * off; owed[i + im.w + 1] += off;
  }
  return { ...im, rgb };
}

const said = async (im) => (await site.verify(id, pictures.png(im))).reasons.map((r) => r.reason);
const refusal = async (im) => (await site.wardctl.failure('Enrol', site.enrolment(pictures.png(im)), site.tokens.registrar)).reason;
const assessed = async (im) => (await site.wardctl.call('AssessPhotograph', { photograph: pictures.png(im) }, site.tokens.nurse)).reasons.map((r) => r.reason);

const part = (im, from, to) => pictures.crop(im, Math.round(from * im.w), 0, Math.round(to * im.w) - Math.round(from * im.w), im.h);
const PORTRAITS = ['christian', 'michael'];
const MISLED = [
  ...[1, 2, 3].map((n) => [`is turned by ${90 * n} degrees`, 'FACE_NOT_UPRIGHT', PORTRAITS, (im) => pictures.quarter(im, n)]),
  ['is far too dark', 'FACE_TOO_DARK', ['christian', 'user7'], (im) => pictures.mapped(im, (v) => 255 * (v / 255) ** (im.w > 200 ? 4 : 6))],
  ['shows the left half of a face', 'FACE_CROPPED', ['christian', 'team-4'], (im) => part(im, 0, 0.5)],
  ['shows the right half of a face', 'FACE_CROPPED', ['christian', 'team-4'], (im) => part(im, 0.6, 1)],
];
const JUNK = [
  ['a negative', PORTRAITS, (im) => pictures.mapped(im, (v) => 255 - v)],
  ['a grey negative', ['michael', 'team-4'], (im) => toned(im, (v) => 255 - v)],
  ['an edge drawing', PORTRAITS, (im) => pictures.edges(im)],
  ['a picture of two tones', PORTRAITS, (im) => toned(im, (v) => (v > 127 ? 255 : 0))],
  ['a picture of four tones', PORTRAITS, (im) => toned(im, (v) => (v >> 6) * 85)],
  ['a picture of dots', PORTRAITS, dots],
];

describe('a refused photograph', { skip }, () => {
  for (const [what, reason, names, make] of MISLED) {
    test(`that ${what} is ${reason}`, async () => {
      for (const name of names.filter((n) => faces[n])) {
        const bad = make(faces[name]);
        assert.deepEqual([await said(bad), await refusal(bad), await assessed(bad)], [[reason], reason, [reason]], name);
      }
    });
  }

  test('that lies upside down is never taken for somebody else', async () => {
    const seen = [];
    for (const name of ['christian', 'michael', 'team-1', 'team-3', 'team-4', 'user1', 'user2', 'user3', 'user4', 'user5', 'user6', 'user7', 'user8'].filter(pictures.photo)) {
      const v = await site.verify(id, pictures.png(pictures.quarter(pictures.portrait(name), 2)));
      seen.push(`${name} ${v.outcome} ${v.reasons.map((r) => r.reason)}`);
    }
    assert.deepEqual(seen.filter((s) => !s.includes(' OUTCOME_UNUSABLE ')), []);
  });

  test('of a covered face is FACE_OCCLUDED as before', async () => {
    assert.deepEqual(await said(pictures.portrait('team-1')), ['FACE_OCCLUDED']);
  });
});

describe('what is no plain photograph', { skip }, () => {
  for (const [what, names, make] of JUNK) {
    test(`${what} is not enrolled`, async () => {
      for (const name of names.filter((n) => faces[n])) {
        const bad = make(faces[name]), [reason] = await assessed(bad);
        assert.ok(reason, name); // whatever else is wrong with it may be said first
        assert.equal(await refusal(bad), reason, name);
      }
    });
  }

  test('is refused as NOT_A_PHOTOGRAPH where nothing else is wrong, and a grey photograph is not', async () => {
    assert.equal(await refusal(JUNK[0][2](faces.christian)), 'NOT_A_PHOTOGRAPH');
    const a = await site.enrol(pictures.png(toned(faces.christian, (v) => v)));
    assert.match(a.template_id, /-/);
    const more = { idempotency_key: site.key(), subject_id: a.subject_id, photograph: pictures.png(JUNK[0][2](faces.christian)) };
    assert.equal((await site.wardctl.failure('AddTemplate', more, site.tokens.registrar)).reason, 'NOT_A_PHOTOGRAPH');
  });
});
