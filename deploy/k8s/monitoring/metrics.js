'use strict';
// The metrics that the services have, from docs/metrics.md, which their programs print (`make docs-check` compares); and whether an
// expression uses only those, with only their labels. So a metric that is renamed stops `make docs` instead of leaving a dead panel.

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../../..');
// What Prometheus adds by the chart's monitors, and what rules add.
const TARGET = ['namespace', 'service', 'pod', 'instance', 'job', 'le', 'severity', 'alertname'];

// Map: name -> { type, labels: [], help, of: ['identity', ...] or null for every service }
function table(text = fs.readFileSync(path.join(root, 'docs/metrics.md'), 'utf8')) {
  const rows = new Map();
  for (const line of text.split('\n')) {
    const m = /^\| `(\w+)` \| (\w+) \| (.*?) \| (.*) \| ([^|]+) \|$/.exec(line);
    if (m) rows.set(m[1], { type: m[2], labels: [...m[3].matchAll(/`(\w+)`/g)].map((l) => l[1]), help: m[4], of: m[5] === 'every service' ? null : m[5].split(', ') });
  }
  return rows;
}

const metrics = table();

// The metric behind a series' name: a histogram's has three endings.
function metricOf(name, rows = metrics) {
  if (rows.has(name) && rows.get(name).type !== 'histogram') return rows.get(name);
  const h = /^(.*)_(bucket|sum|count)$/.exec(name);
  return h && rows.get(h[1])?.type === 'histogram' ? rows.get(h[1]) : null;
}

// What is wrong with an expression, as sentences. `recorded`: names of recording rules, which carry their own labels.
function faults(expr, recorded = new Map(), rows = metrics) {
  const bad = [];
  const labels = new Set(TARGET);
  const bare = expr.replace(/"(\\.|[^"\\])*"/g, '""');
  for (const [, name] of bare.matchAll(/(?<![\w:$.])((?:ward|grpc|process)(?:_\w+|:[\w:]+))(?![\w:]*\()/g)) {
    const m = name.includes(':') ? recorded.get(name) : metricOf(name, rows);
    if (!m) {
      if (rows.size && ![...rows.values()].some((r) => r.labels.includes(name))) bad.push(`${name} is no metric`);
    } else m.labels.forEach((l) => labels.add(l));
  }
  const used = [...bare.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map((m) => m[1])
    .concat([...bare.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)].flatMap((m) => m[1].split(',').map((s) => s.trim()).filter(Boolean)));
  for (const l of used) if (!labels.has(l)) bad.push(`${l} is no label of what ${expr} asks for`);
  return bad;
}

module.exports = { metrics, table, metricOf, faults };
