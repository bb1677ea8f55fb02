'use strict';
// Infer on DICOM files: decoded in a worker process, read like a picture, or refused by name. The model's logit is the mean of the picture.

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Site, manifest, png, failure, until } = require('./site');
const { dicom } = require('../../lib/dicom');
const { build, folder } = require('../../lib/paths');

const WEIGHTS = 'a model of tests/faults has no weights';
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const expected = (mean) => 1 / (1 + Math.exp(-mean / 255));

let site, patient, models, plugins;

// The back end of tests/faults, which answers with the mean, and the decoder, in one folder.
function model(name, series) {
  const dir = path.join(models, name, '1');
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'weights'), WEIGHTS);
  const like = manifest('chest');
  fs.writeFileSync(path.join(dir, 'manifest.json'), JSON.stringify({
    ...like, name, file: 'weights', sha256: sha256(WEIGHTS), input: { ...like.input, series },
    devices: undefined, fallback: undefined, outputs: { logit: 'logit' }, guard: undefined, calibration: { scale: 1, shift: 0 },
    preprocess: [{ op: 'decode', formats: ['png', 'dicom'] }, { op: 'gray', weights: [1, 0, 0] }, { op: 'resize', method: 'area', width: 4, height: 4 },
      { op: 'scale', factor: 1 / 255 }],
    known: { lo: 0.25, hi: 0.25, output: 'logit', stride: 1, want: [0.25], tolerance: 1e-5 },
  }));
}

test.before(async () => {
  [models, plugins] = [folder(), folder()];
  model('any');
  model('chests', { modality: ['CR', 'DX'], body_part: ['CHEST'], min_width: 8, min_height: 8 });
  for (const file of ['tests/faults/lie.so', 'plugins/dicom.so']) fs.copyFileSync(path.join(build, file), path.join(plugins, path.basename(file)));
  site = await Site.start({
    env: {
      diagnosis: {
        WARD_MODELS: models, WARD_DIAGNOSIS_MODELS: 'any/1,chests/1', WARD_PLUGINS: plugins, WARD_DEVICES: 'lie', WARD_MODEL_UNSIGNED: 'allow', WARD_DECODE_MS: '10000',
      },
    },
  });
  patient = await site.patient();
  for (const name of ['any', 'chests']) await until(`${name} serves`, async () => (await site.model(name)).state === 'MODEL_STATE_SERVING');
});
test.after(async () => {
  await site?.stop();
  for (const dir of [models, plugins]) fs.rmSync(dir, { recursive: true, force: true });
});

const infer = (image, name = 'any') => site.infer(patient, { model: name, image });
const film = (more, side = 8, value = (x) => 1000 + 100 * x) => dicom(side, side, value, more);

async function refused(image, reason, name) {
  const err = await failure(infer(image, name));
  assert.deepEqual([err.code, err.reason], ['INVALID_ARGUMENT', reason]);
  assert.ok(!err.message.includes('Synthetic'), err.message);
  return err.message.replace(/^INVALID_ARGUMENT: /, '');
}

test('a film is read from its lowest to its highest value, and the trace names the transfer syntax', async () => {
  const image = film();
  const { findings: [finding], trace } = await infer(image);
  assert.ok(Math.abs(finding.probability - expected(127.5)) < 1e-5, `${finding.probability}`);
  assert.deepEqual([trace.transfer_syntax, trace.input_sha256], ['1.2.840.10008.1.2.1', sha256(image)]);
  assert.deepEqual(trace.transforms.slice(0, 2), ['decode, upright', 'gray 1 R + 0 G + 0 B']);
});

test('the file\'s own window and MONOCHROME1 count', async () => {
  const { findings: [windowed] } = await infer(film({ window: [1000, 1] }));
  assert.ok(Math.abs(windowed.probability - expected(255)) < 1e-5, `${windowed.probability}`);
  const { findings: [inverted] } = await infer(film({ window: [1000, 1], photometric: 'MONOCHROME1' }));
  assert.ok(Math.abs(inverted.probability - expected(0)) < 1e-5, `${inverted.probability}`);
});

test('of two frames the second is read, and the trace says so', async () => {
  const { findings: [finding], trace } = await infer(film({ frames: 2, window: [100, 1] }, 8, (x, y, frame) => (frame === 1 ? 200 : 0)));
  assert.ok(Math.abs(finding.probability - expected(255)) < 1e-5, `${finding.probability}`);
  assert.deepEqual(trace.transforms.slice(0, 2), ['decode, upright', 'frame 2 of 2']);
});

test('a film of 12 MiB is read', async () => {
  const { trace } = await infer(film({ window: [10, 1], pixels: Buffer.alloc(2 * 2048 * 3072, 1), rows: 2048, columns: 3072 }));
  assert.equal(trace.transfer_syntax, '1.2.840.10008.1.2.1');
});

test('a PNG is decoded the same way, and has no transfer syntax', async () => {
  const { findings: [finding], trace } = await infer(png(8, 8, () => 51));
  assert.ok(Math.abs(finding.probability - expected(51)) < 1e-5);
  assert.equal(trace.transfer_syntax, '');
});

test('a file that no model can read is refused by name, without the patient\'s', async () => {
  const whole = film();
  await refused(whole.subarray(0, whole.length - 1), 'DICOM_BROKEN');
  await refused(whole.subarray(0, 300), 'DICOM_FORMAT');
  await refused(whole.subarray(132), 'DICOM_FORMAT');
  await refused(film({ rows: 60000, columns: 60000 }), 'DICOM_TOO_LARGE');
  await refused(film({ frames: 1, pixels: Buffer.alloc(0) }), 'DICOM_BROKEN');
  await refused(film({ syntax: '1.2.840.10008.1.2.4.103' }), 'DICOM_SYNTAX');
  await refused(film({ photometric: 'CMYK' }), 'DICOM_COLOUR');
  await refused(film({ bits: 17 }), 'DICOM_BITS');
  await refused(Buffer.from('this is neither a film nor a picture'), 'IMAGE_FORMAT');
});

test('a model that reads chest films says why another series does not fit', async () => {
  assert.equal((await infer(film(), 'chests')).findings.length, 1);
  assert.equal(await refused(film({ modality: 'MR' }), 'INPUT_SERIES_UNFIT', 'chests'), 'the model reads Modality CR, DX; the file\'s Modality is MR');
  assert.equal(await refused(film({ bodyPart: 'SMITH' }), 'INPUT_SERIES_UNFIT', 'chests'),
    'the model reads Body Part Examined CHEST; the file\'s Body Part Examined is another value');
  assert.match(await refused(film({}, 7), 'INPUT_SERIES_UNFIT', 'chests'), /at least 8 x 8 pixels; the file has 7 x 7/);
});

test('a decoder that is killed starts again, and calls are answered or UNAVAILABLE', async () => {
  const decoders = () => fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      const [, worker, job, parent] = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      return worker === '--worker' && job === 'decode' && Number(parent) === site.ward.services.diagnosis.proc.pid;
    } catch { return false; }
  });
  let [answered, lost, killed] = [0, 0, 0];
  for (let round = 0; round < 6; round++) {
    const calls = Array.from({ length: 4 }, (_, k) => infer(film({ window: [round, k + 1] })).then(() => answered++, (err) => {
      assert.deepEqual([err.code, err.reason], ['UNAVAILABLE', 'WORKER_LOST']);
      lost++;
    }));
    for (const pid of decoders()) {
      process.kill(Number(pid), 'SIGKILL');
      killed++;
    }
    await Promise.all(calls);
  }
  assert.equal(answered + lost, 24);
  assert.ok(killed > 0, 'a decoder ran');
  await until('a film is read again', () => infer(film({ window: [7, 7] })).then(() => true, () => false));
});
