'use strict';
// docs/capacity.md is what deploy/capacity prints, and the formula does what the page says of it.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { root } = require('../lib/paths');
const { need, page, usual, costs } = require('../../deploy/capacity/capacity');

const program = path.join(root, 'deploy/capacity/capacity.js');
const run = (...words) => spawnSync(program, words, { encoding: 'utf8' });

test('the page is the output of the program', () => {
  assert.strictEqual(fs.readFileSync(path.join(root, 'docs/capacity.md'), 'utf8'), page());
});

test('every cost names its bench, its date and its machine, and was measured for every service', () => {
  assert.match(page(), /`make bench-capacity`, \d{4}-\d\d-\d\d, .* \d+ cores/);
  for (const [act, cost] of Object.entries(costs.costs)) {
    assert.deepStrictEqual(Object.keys(cost.cpu_us), ['audit', 'identity', 'records', 'dosage', 'diagnosis', 'mariadb'], act);
    assert.ok(cost.acts > 0 && Object.values(cost.cpu_us).some((v) => v > 0), act);
  }
});

// Cores of one act alone, by hand.
test('cores are acts in the busiest hour times CPU time by the used share', () => {
  const h = { ...usual, beds: 864, each_bed_each_day: { dose: 100 }, busiest_hour_to_mean: 2, used_share_of_a_core: 0.25 };
  const v = need(1, h); // one act a second on average, two in the busiest hour
  assert.strictEqual(v.acts_a_second, 2);
  assert.ok(Math.abs(v.services.dosage.cores - 8 * costs.costs.dose.cpu_us.dosage / 1e6) < 1e-9);
  assert.ok(Math.abs(v.database.cores - 8 * costs.costs.dose.cpu_us.mariadb / 1e6) < 1e-9);
  assert.ok(Math.abs(v.events_a_second - 2 * costs.costs.dose.events) < 1e-9);
});

test('twice the hospitals need twice the cores and disk, and replicas that hold them', () => {
  const [one, two] = [need(50), need(100)];
  assert.ok(Math.abs(two.database.cores / one.database.cores - 2) < 1e-9);
  assert.ok(Math.abs(two.disk_gib_a_year / one.disk_gib_a_year - 2) < 1e-9);
  for (const [name, s] of Object.entries(need(1000).services)) assert.ok(s.replicas * usual.cores_of_a_replica >= s.cores && s.replicas >= 2, name);
});

test('a site puts its own hospital in, and an act that was not measured is refused', () => {
  const file = path.join(fs.mkdtempSync('/tmp/capacity-'), 'hospital.json');
  fs.writeFileSync(file, JSON.stringify({ beds: 1000 }));
  const [own, twice] = [run('--hospital', file, '1'), run('2')].map((r) => JSON.parse(r.stdout));
  assert.strictEqual(own.acts_a_second, twice.acts_a_second);
  fs.writeFileSync(file, JSON.stringify({ each_bed_each_day: { operation: 1 } }));
  assert.match(run('--hospital', file).stderr, /no cost of "operation" was measured/);
  fs.rmSync(path.dirname(file), { recursive: true });
  assert.strictEqual(run('none').status, 2);
});
