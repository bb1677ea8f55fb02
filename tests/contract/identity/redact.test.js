'use strict';
// Redact: what it hides is not recognised again.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const pictures = require('../../lib/pictures');
const { folder } = require('../../lib/paths');
const { Site, skip } = require('./site');

let site, dir;
before(async () => { if (!skip) { site = await Site.shared(); dir = folder('redact'); } });
after(() => site && site.stop());

const redact = (photograph, more = {}) => site.wardctl.call('Redact', { photograph, style: 'REDACT_STYLE_PIXELATE', ...more }, site.tokens.nurse);
const failure = (photograph, more = {}, token = site.tokens.nurse) => site.wardctl.failure('Redact', { photograph, style: 'REDACT_STYLE_BLUR', ...more }, token);

function decoded(bytes) {
  const file = path.join(dir, 'one.jpg');
  fs.writeFileSync(file, bytes);
  return pictures.pixels(file);
}

describe('Redact', { skip }, () => {
  for (const style of ['REDACT_STYLE_BLUR', 'REDACT_STYLE_PIXELATE']) {
    for (const name of ['christian', 'user7', 'team-3', 'michael']) {
      test(`${style}: the face of ${name} is not recognised again`, async () => {
        const photograph = pictures.jpeg(name);
        const a = await redact(photograph, { style });
        assert.equal(a.faces, 1);
        const { subject_id } = await site.enrol(photograph);
        assert.equal((await site.verify(subject_id, photograph)).outcome, 'OUTCOME_MATCH');
        const again = await site.verify(subject_id, a.photograph);
        assert.notEqual(again.outcome, 'OUTCOME_MATCH', `score ${again.score}`);
        if (again.outcome === 'OUTCOME_UNUSABLE') assert.notEqual(again.reasons[0].reason, 'LIVENESS_REQUIRED');
        const before = pictures.pixels(pictures.photo(name)), after = decoded(a.photograph);
        assert.deepEqual([after.w, after.h], [before.w, before.h]);
      });
    }
  }

  test('every face of a group is hidden', async () => {
    const one = pictures.portrait('christian');
    const two = pictures.png(pictures.beside(one, pictures.recapture(one, { turn: 0.05, bright: 0.9 })));
    const a = await redact(two);
    assert.equal(a.faces, 2);
    const { subject_id } = await site.enrol(pictures.jpeg('christian'));
    const again = await site.verify(subject_id, a.photograph, { largest_only: true });
    assert.notEqual(again.outcome, 'OUTCOME_MATCH');
  });

  // Copies of a portrait side by side; how many of their middles are still what they were.
  const tiled = (one, across) => {
    const w = across * one.w, h = across * one.h, rgb = Buffer.alloc(3 * w * h);
    for (let y = 0; y < h; y++) for (let k = 0; k < across; k++) one.rgb.copy(rgb, 3 * (y * w + k * one.w), 3 * (y % one.h) * one.w, 3 * (y % one.h + 1) * one.w);
    return { w, h, rgb };
  };
  const untouched = (crowd, seen, one, across) => {
    const [from, to] = [Math.round(one.w * 0.35), Math.round(one.w * 0.6)];
    const left = [];
    for (let i = 0; i < across * across; i++) {
      let far = 0;
      for (let y = from; y < to; y++) {
        for (let x = from; x < to; x++) {
          const at = 3 * (((i / across | 0) * one.h + y) * crowd.w + (i % across) * one.w + x);
          far += Math.abs(seen.rgb[at] - crowd.rgb[at]);
        }
      }
      if (far / (to - from) ** 2 < 8) left.push(i);
    }
    return left;
  };

  test('a crowd is hidden to the last face', async () => {
    const one = pictures.portrait('user7'), across = 12, crowd = tiled(one, across);
    const a = await redact(pictures.png(crowd));
    assert.deepEqual([untouched(crowd, decoded(a.photograph), one, across), a.faces >= across * across, a.least_face_px], [[], true, 14], `${a.faces} faces hidden`);
  });

  test('a small face in a large picture is hidden', async () => {
    const one = pictures.portrait('user7'), w = 3000, h = 2000, rgb = Buffer.alloc(3 * w * h, 160);
    const shrunk = pictures.recapture(one, { scale: 0.5 });
    const [left, top] = [2100, 1300];
    for (let y = 0; y < shrunk.h; y++) shrunk.rgb.copy(rgb, 3 * ((top + y) * w + left), 3 * y * shrunk.w, 3 * (y + 1) * shrunk.w);
    const seen = decoded((await redact(pictures.png({ w, h, rgb }), { allow_none: true })).photograph);
    let far = 0;
    const [from, to] = [Math.round(shrunk.w * 0.35), Math.round(shrunk.w * 0.6)];
    for (let y = from; y < to; y++) for (let x = from; x < to; x++) far += Math.abs(seen.rgb[3 * ((top + y) * w + left + x)] - rgb[3 * ((top + y) * w + left + x)]);
    assert.ok(far / (to - from) ** 2 > 8, `the face's middle differs by ${far / (to - from) ** 2}`);
  });

  // Every pixel the mean of k x k.
  const smaller = (im, k) => {
    const w = Math.floor(im.w / k), h = Math.floor(im.h / k), rgb = Buffer.alloc(3 * w * h);
    for (let i = 0; i < 3 * w * h; i++) {
      const [x, y, c] = [Math.floor(i / 3) % w, Math.floor(i / 3 / w), i % 3];
      let sum = 0;
      for (let v = 0; v < k; v++) for (let u = 0; u < k; u++) sum += im.rgb[3 * ((y * k + v) * im.w + x * k + u) + c];
      rgb[i] = sum / k / k;
    }
    return { w, h, rgb };
  };

  test('faces hardly wider than least_face_px are hidden in a picture of 1600 x 1200', async () => {
    const w = 1600, h = 1200, rgb = Buffer.alloc(3 * w * h, 160), left = [], faces = [];
    for (const name of ['christian', 'michael', 'team-1', 'team-3', 'team-4']) {
      const { quality } = await site.wardctl.call('AssessPhotograph', { photograph: pictures.jpeg(name) }, site.tokens.nurse);
      faces.push(smaller(pictures.portrait(name), Math.round(quality.eye_distance_px / 7))); // the face is about twice as wide
    }
    const places = Array.from({ length: 15 }, (_, i) => [faces[i % 5], 70 + (i % 5) * 300, 90 + Math.floor(i / 5) * 390]);
    for (const [f, x, y] of places) for (let v = 0; v < f.h; v++) f.rgb.copy(rgb, 3 * ((y + v) * w + x), 3 * v * f.w, 3 * (v + 1) * f.w);
    const a = await redact(pictures.png({ w, h, rgb }), { allow_none: true }), seen = decoded(a.photograph);
    for (const [f, x, y] of places) {
      let far = 0;
      const [from, to] = [Math.round(f.w * 0.4), Math.round(f.w * 0.6)];
      for (let v = from; v < to; v++) for (let u = from; u < to; u++) far += Math.abs(seen.rgb[3 * ((y + v) * w + x + u)] - rgb[3 * ((y + v) * w + x + u)]);
      if (far / (to - from) ** 2 < 8) left.push([x, y]);
    }
    assert.ok(left.length <= 1, `${left.length} of ${places.length} faces left: ${JSON.stringify(left)}`);
  });

  test('what is not a face stays', async () => {
    const before = pictures.portrait('christian'), after = decoded((await redact(pictures.jpeg('christian'))).photograph);
    let far = 0;
    for (let y = 0; y < 40; y++) for (let x = 0; x < 40; x++) far += Math.abs(before.rgb[3 * (y * 400 + x)] - after.rgb[3 * (y * 400 + x)]);
    assert.ok(far / 1600 < 6, `mean difference ${far / 1600} in a corner`);
  });

  test('a JPEG comes back without what the camera wrote into the original', async () => {
    const jpeg = pictures.jpeg('christian');
    const note = Buffer.from('Exif\0\0II*\0\x08\0\0\0\0\0taken at ward 3 by nurse-1', 'latin1');
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, (note.length + 2) >> 8, (note.length + 2) & 255]), note]);
    const a = await redact(Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]));
    assert.deepEqual([...a.photograph.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    assert.equal(a.photograph.includes('nurse-1'), false);
    assert.equal(a.photograph.includes('Exif'), false);
  });

  test('it is on record, about nobody', async () => {
    const a = await redact(pictures.jpeg('christian'), { style: 'REDACT_STYLE_BLUR' });
    const e = await site.lastEvent();
    assert.equal(e.event_id, a.event_id);
    assert.deepEqual([e.action, e.outcome, e.patient, e.actor, e.detail.faces, e.detail.style],
      ['/ward.identity.v1.Identity/Redact', 'OUTCOME_SUCCESS', '', 'nurse-1', '1', 'blur']);
  });

  test('a photograph without a face is refused, or comes back if that may be', async () => {
    const wall = pictures.png(pictures.plain(300, 200));
    const e = await failure(wall);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'FACE_NOT_FOUND']);
    const a = await redact(wall, { allow_none: true });
    assert.equal(a.faces, 0);
    assert.deepEqual([decoded(a.photograph).w, decoded(a.photograph).h], [300, 200]);
  });

  test('bad requests are refused by name, and porters', async () => {
    const style = await failure(pictures.jpeg('christian'), { style: 'REDACT_STYLE_UNSPECIFIED' });
    assert.deepEqual([style.code, style.field], ['INVALID_ARGUMENT', 'style']);
    const none = await failure(Buffer.alloc(0));
    assert.deepEqual([none.code, none.field, none.reason], ['INVALID_ARGUMENT', 'photograph', 'IMAGE_EMPTY']);
    assert.equal((await failure(pictures.jpeg('christian'), {}, site.tokens.porter)).code, 'PERMISSION_DENIED');
  });
});
