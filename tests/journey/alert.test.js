'use strict';
// An alert fires for real: Prometheus scrapes running services and evaluates the chart's rules, one service is stopped, and
// Alertmanager notifies the person on call, twice: when the service is gone, and when it is back.
// The rules are the chart's. Only the time that an alert must hold is shortened, unless FULL=1 keeps it (5 minutes).

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Ward } = require('../lib/ward');
const { Alertmanager } = require('../lib/alertmanager');
const { Prometheus } = require('../lib/prometheus');
const { until } = require('../lib/until');
const { folder, root } = require('../lib/paths');

const absent = ['prometheus', 'promtool', 'prometheus-alertmanager'].filter((program) => spawnSync(program, ['--version']).error);
const skip = absent.length > 0 ? `${absent.join(', ')} not installed: make deps` : false;
const SERVICES = ['audit', 'records'];

let ward, alertmanager, prometheus;
before(async () => {
  if (skip) return;
  const dir = folder('alert');
  ward = await Ward.start({ services: SERVICES });
  fs.writeFileSync(path.join(dir, 'ports'), SERVICES.map((s) => `${s} ${ward.services[s].port} ${ward.services[s].serving.admin_port}\n`).join(''));
  alertmanager = await Alertmanager.start();
  prometheus = await Prometheus.start(dir, { wait: process.env.FULL ? undefined : '2s', alertmanager: alertmanager.address, history: hoursBefore() });
});
after(async () => {
  await prometheus?.stop();
  await alertmanager?.stop();
  await ward?.stop();
});

// WardServiceGone compares with an hour ago: both services were scraped then too.
function hoursBefore() {
  const now = Math.floor(Date.now() / 1000);
  const minutes = Array.from({ length: 110 }, (_, i) => now - (120 - i) * 60);
  return ['# TYPE ward_ready gauge', ...SERVICES.flatMap((s) => minutes.map((t) => `ward_ready{namespace="h",service="${s}",pod="${s}-0"} 1 ${t}`))];
}

const up = async () => (await prometheus.ask('ward_ready == 1')).length;

test('a stopped service reaches the person on call, with a runbook, and so does its return', { skip, timeout: 900000 }, async () => {
  await until('both services are scraped', async () => await up() === SERVICES.length);
  await until('the hour before is known', async () => (await prometheus.ask('count by (service) (ward_ready offset 1h)')).length === SERVICES.length);
  assert.deepStrictEqual(alertmanager.of('WardServiceGone', 'records'), []);

  await ward.services.records.stop();
  await until('the alert arrives', () => alertmanager.of('WardServiceGone', 'records').length > 0, { seconds: 600 });
  const [gone] = alertmanager.of('WardServiceGone', 'records');
  assert.strictEqual(gone.status, 'firing');
  assert.strictEqual(gone.labels.severity, 'page');
  assert.ok(fs.existsSync(path.join(root, 'docs/runbooks', path.basename(gone.annotations.runbook_url))), gone.annotations.runbook_url);
  assert.ok(gone.annotations.summary.length > 10);

  await ward.services.records.start();
  await until('its end arrives', () => alertmanager.of('WardServiceGone', 'records').some((a) => a.status === 'resolved'));
  assert.deepStrictEqual(alertmanager.of('WardServiceGone', 'audit'), [], 'an alert of a service that ran all the time');
});
