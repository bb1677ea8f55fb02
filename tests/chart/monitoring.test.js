'use strict';
// The dashboards and rules: they ask only for metrics and labels that the services have, in PromQL that Prometheus parses; every alert
// fires and falls silent in promtool, and has a runbook.

const { test } = require('node:test');
const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const yaml = require('js-yaml');
const { root, folder } = require('../lib/paths');
const { chart } = require('./helm');
const { faults, table } = require('../../deploy/k8s/monitoring/metrics');
const { alerts, recording } = require('../../deploy/k8s/monitoring/rules');
const { dashboards } = require('../../deploy/k8s/monitoring/dashboards');
const { check, print } = require('../../tools/print-monitoring');
const { methods } = require('../../tools/print-methods');
const cases = require('./alerts');

const promtool = (...args) => spawnSync('promtool', args, { encoding: 'utf8' });
const skip = promtool('--version').error ? 'promtool is not here' : false;
const rulesFile = path.join(chart, 'files/rules.yaml');
const HEADINGS = ['What it means for patients', 'First look', 'Likely causes, in order', 'What to do', 'Whom to call'];

test('what_the_chart_holds_is_what_the_metrics_table_makes', () => {
  assert.deepStrictEqual(check(), []);
  for (const [name, text] of Object.entries(print())) assert.strictEqual(fs.readFileSync(path.join(chart, 'files', name), 'utf8'), text, `${name}: make docs`);
  const there = fs.readdirSync(path.join(chart, 'files/dashboards')).sort();
  assert.deepStrictEqual(there, dashboards.map((d) => `${d.uid}.json`).sort());
});

test('a_metric_or_label_that_is_gone_is_found', () => {
  const rows = table();
  assert.deepStrictEqual(faults('sum by (service) (rate(ward_rpc_shed_total[5m]))', new Map(), rows), []);
  rows.delete('ward_rpc_shed_total');
  assert.deepStrictEqual(faults('sum by (service) (rate(ward_rpc_shed_total[5m]))', new Map(), rows), ['ward_rpc_shed_total is no metric']);
  assert.strictEqual(faults('ward_ready{name="x"}').length, 1);
  assert.strictEqual(faults('sum by (patient) (ward_ready)').length, 1);
  assert.strictEqual(faults('rate(ward_db_statement_seconds[5m])').length, 1, 'a histogram has no series of its bare name');
  assert.deepStrictEqual(faults('rate(ward_db_statement_seconds_bucket{le="1"}[5m])'), []);
});

test('every_metric_of_a_service_is_on_its_dashboard', () => {
  for (const [name, m] of table())
    for (const service of m.of ?? []) {
      const text = JSON.stringify(dashboards.find((d) => d.uid === `ward-${service}`));
      assert.ok(text.includes(name), `${service}: ${name}`);
    }
});

test('panels_have_places_of_their_own', () => {
  for (const d of dashboards) {
    const { panels } = JSON.parse(fs.readFileSync(path.join(chart, `files/dashboards/${d.uid}.json`), 'utf8'));
    assert.strictEqual(new Set(panels.map((p) => p.id)).size, panels.length, d.uid);
    const taken = new Set();
    for (const { gridPos: g, title } of panels)
      for (let x = g.x; x < g.x + g.w; x++)
        for (let y = g.y; y < g.y + g.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x},${y}`), `${d.uid}: ${title} lies on another`);
          taken.add(`${x},${y}`);
        }
  }
});

test('prometheus_parses_every_expression', { skip }, () => {
  const exprs = dashboards.flatMap((d) => d.rows.flatMap(([, panels]) => panels.flatMap((p) => p.queries.map(([e]) => e))));
  const rules = exprs.map((e, i) => ({ record: `x:${i}`, expr: e.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', 'h') }));
  const file = path.join(folder('rules'), 'panels.yaml');
  fs.writeFileSync(file, yaml.dump({ groups: [{ name: 'panels', rules }] }));
  for (const f of [file, rulesFile]) {
    const r = promtool('check', 'rules', f);
    assert.strictEqual(r.status, 0, r.stdout + r.stderr);
  }
});

test('every_alert_fires_and_falls_silent', { skip }, () => {
  assert.deepStrictEqual(Object.keys(cases).sort(), alerts.map((a) => a.alert).sort());
  const one = (name, series, at, n) => ({
    name: `${name} ${n ? 'fires' : 'is silent'}`, interval: '1m',
    input_series: series.map(([s, values]) => ({ series: s, values })),
    promql_expr_test: [{ expr: `count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)`, eval_time: at, exp_samples: [{ labels: '{}', value: n }] }],
  });
  const tests = Object.entries(cases).flatMap(([name, c]) => [one(name, c.fires, c.at, 1), one(name, c.quiet, c.at, 0)]);
  const file = path.join(folder('rules'), 'test.yaml');
  fs.writeFileSync(file, yaml.dump({ rule_files: [rulesFile], evaluation_interval: '1m', tests }));
  const r = promtool('test', 'rules', file);
  assert.strictEqual(r.status, 0, r.stdout + r.stderr);
});

test('an_alert_s_words_name_only_labels_that_it_has', () => {
  for (const a of alerts) {
    const used = [...a.summary.matchAll(/\$labels\.(\w+)/g)].map((m) => m[1]);
    const by = /^(?:sum|max|count) by \(([^)]*)\)|^increase|^changes|^ward_|^process_|^time/.exec(a.expr);
    const kept = by?.[1]?.split(', ') ?? (a.expr.startsWith('ward:') ? ['namespace', 'service'] : null);
    if (kept) for (const l of used) assert.ok(kept.includes(l), `${a.alert}: ${l}`);
    assert.deepStrictEqual(faults(a.expr, new Map(recording.map((x) => [x.record, { labels: ['namespace', 'service'] }]))), []);
  }
});

test('streams_are_left_out_of_durations', () => {
  const names = new Set(methods().filter((m) => m.stream).map((m) => m.method));
  for (const name of ['Follow', 'FollowDue', 'Tail', 'Export']) assert.ok(names.has(name), name);
  assert.ok(!names.has('Read') && !names.has('Verify'));
  // A name that is a stream in one service and a plain call in another would be left out of both.
  for (const m of methods()) assert.ok(m.stream || !names.has(m.method), `${m.service}.${m.method}`);
});

test('every_alert_has_a_runbook_with_its_five_parts', () => {
  const dir = path.join(root, 'docs/runbooks');
  assert.deepStrictEqual(fs.readdirSync(dir).filter((f) => /^Ward/.test(f)).sort(), alerts.map((a) => `${a.alert}.md`).sort());
  for (const a of alerts) {
    const text = fs.readFileSync(path.join(dir, `${a.alert}.md`), 'utf8');
    assert.deepStrictEqual([...text.matchAll(/^## (.*)$/gm)].map((m) => m[1]), HEADINGS, a.alert);
    assert.match(text, new RegExp(`^# ${a.alert}$`, 'm'));
    const look = text.split('## First look')[1].split('## ')[0];
    for (const [, expr] of look.matchAll(/```promql\n([\s\S]*?)```/g)) assert.deepStrictEqual(faults(expr, new Map(recording.map((x) => [x.record, { labels: ['namespace', 'service'] }]))), [], a.alert);
    assert.match(look, /```promql/, a.alert);
  }
});
