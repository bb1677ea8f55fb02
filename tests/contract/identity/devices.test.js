'use strict';
// Which device runs the models: the order, falling back and refusing to, and what answers say of it.
// The NPU is tests/npu's virtual one (make contract builds it first).

const { test, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../lib/proc');
const { bin, build, folder } = require('../../lib/paths');
const { Site, until, skip } = require('./site');

const library = path.join(build, 'tests/npu/virtual_npu.so');
const npu = skip || (fs.existsSync(library) ? false : 'no virtual NPU (make contract builds it)');
const start = async (t, env) => {
  const site = await Site.start({ env: { identity: env } });
  t.after(() => site.stop());
  return site;
};
const status = (site) => site.admin.call('GetStatus', {}, site.tokens.auditor);

describe('devices', { skip }, () => {
  test('where the wished ones are not there the next answers, says so, and GetStatus says why', async (t) => {
    const site = await start(t, { WARD_DEVICES: 'npu,gpu,cpu', WARD_DEVICE_FALLBACK: 'degraded', WARD_NPU_PROVIDERS: '' });
    const a = await site.enrol(site.anna);
    assert.deepEqual([a.device, a.degraded], ['cpu', true]);
    const b = await site.verify(a.subject_id, site.annaAgain);
    assert.deepEqual([b.outcome, b.device, b.degraded], ['OUTCOME_MATCH', 'cpu', true]);
    const s = await status(site);
    assert.deepEqual([s.device, s.degraded], ['cpu', true]);
    assert.deepEqual(s.devices.map((d) => [d.backend, d.ready, d.why !== '']), [['npu', false, true], ['gpu', false, true], ['cpu', true, false]]);
    assert.equal(s.devices[2].kind, 'cpu');
  });

  test('where falling back is denied the service does not start, and says which device it misses', async (t) => {
    const site = await start(t, {});
    const env = { ...site.ward.services.identity.env, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', WARD_GALLERY_DIR: '',
      WARD_DEVICES: 'npu,cpu', WARD_DEVICE_FALLBACK: 'deny', WARD_NPU_PROVIDERS: '' };
    const r = await run([bin('identity')], { env });
    assert.equal(r.status, 1);
    assert.match(r.lines.join('\n'), /DEVICE_NOT_READY/);
  });

  test('an NPU that answers rightly is used, and left when it answers wrongly', { skip: npu }, async (t) => {
    const fault = path.join(folder('ward-npu'), 'fault');
    fs.writeFileSync(fault, '');
    const site = await start(t, { WARD_DEVICES: 'npu,cpu', WARD_DEVICE_FALLBACK: 'degraded', WARD_NPU_PROVIDERS: `test.virtual=${library}`,
      VIRTUAL_NPU_FAULT: fault, WARD_CANARY_MS: '200' });
    const a = await site.enrol(site.anna);
    assert.deepEqual([a.device, a.degraded], ['npu', false]);
    assert.deepEqual((await status(site)).devices.map((d) => [d.backend, d.kind, d.ready]), [['npu', 'npu', true], ['cpu', '', false]]);
    fs.writeFileSync(fault, 'wrong');
    await until('left', async () => (await status(site)).device === 'cpu');
    const b = await site.verify(a.subject_id, site.annaAgain);
    assert.deepEqual([b.outcome, b.device, b.degraded], ['OUTCOME_MATCH', 'cpu', true]);
    const s = await status(site);
    assert.deepEqual(s.devices.map((d) => [d.backend, d.ready]), [['npu', false], ['cpu', true]]);
    assert.notEqual(s.devices[0].why, '');
  });

  test('where falling back is denied a device that answers wrongly is not answered on, nor is another', { skip: npu }, async (t) => {
    const fault = path.join(folder('ward-npu'), 'fault');
    fs.writeFileSync(fault, '');
    const site = await start(t, { WARD_DEVICES: 'npu,cpu', WARD_DEVICE_FALLBACK: 'deny', WARD_NPU_PROVIDERS: `test.virtual=${library}`,
      VIRTUAL_NPU_FAULT: fault, WARD_CANARY_MS: '200' });
    const { identity } = site.ward.services;
    const a = await site.enrol(site.anna);
    assert.deepEqual([a.device, a.degraded], ['npu', false]);
    fs.writeFileSync(fault, 'wrong');
    await until('not ready', async () => (await identity.admin('/readyz')).status === 503);
    const e = await site.wardctl.failure('Verify', site.verification(a.subject_id, site.annaAgain), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['UNAVAILABLE', 'DEVICE_NOT_READY']);
    assert.deepEqual((await status(site)).devices.map((d) => [d.backend, d.ready, d.why !== '']), [['npu', false, true], ['cpu', false, true]]);
    fs.writeFileSync(fault, '');
    await until('ready again', async () => (await identity.admin('/readyz')).status === 200);
    assert.deepEqual((await site.verify(a.subject_id, site.annaAgain)).device, 'npu');
  });
});
