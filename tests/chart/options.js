'use strict';
// The options of the services, from docs/config.md, which is printed from the tables in their programs (`make docs-check` compares).

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('../lib/paths');

// { common: Map(name -> {min, max, file}), identity: Map, ... }
function table() {
  const text = fs.readFileSync(path.join(root, 'docs/config.md'), 'utf8');
  const of = {};
  let rows;
  for (const line of text.split('\n')) {
    const heading = /^## (.+)$/.exec(line)?.[1];
    if (heading) rows = of[heading === 'Every service' ? 'common' : heading] = new Map();
    const row = /^\| `(WARD_[A-Z0-9_]+)` \| (.*) \| ([^|]+) \| ([^|]+) \|$/.exec(line);
    if (!row || !rows) continue;
    const range = /^(-?\d+)\.\.(-?\d+)/.exec(row[3]);
    rows.set(row[1], { min: range && Number(range[1]), max: range && Number(range[2]), required: row[4].includes('required') });
  }
  return of;
}

const all = table();
const built = Object.keys(all).filter((s) => s !== 'common');

// Options of one service; of one that is not built here, those of all.
function of(service) {
  const own = built.includes(service) ? [all[service]] : built.map((s) => all[s]);
  return new Map([...all.common, ...own.flatMap((m) => [...m])]);
}

// What is wrong with a container's environment.
function faults(service, env) {
  const known = of(service);
  const bad = [];
  const seen = new Set();
  for (const { name, value } of env) {
    if (seen.has(name)) bad.push(`${name} is there twice`);
    seen.add(name);
    if (!name.startsWith('WARD_')) continue;
    const o = known.get(name);
    if (!o) bad.push(`${service} has no option ${name}`);
    else if (o.min !== null && !(/^-?\d+$/.test(value) && Number(value) >= o.min && Number(value) <= o.max))
      bad.push(`${name}=${value} is not in ${o.min}..${o.max}`);
    else if (typeof value !== 'string' || value === '') bad.push(`${name} is empty`);
  }
  if (built.includes(service))
    for (const [name, o] of known) if (o.required && !seen.has(name)) bad.push(`${name} is required`);
  return bad;
}

module.exports = { faults, built, all };
