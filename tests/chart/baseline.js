'use strict';
// What an upgrade cannot change: selectors, and the claims of stored data. baseline.json holds those of the last released chart for
// every value set. `node tests/chart/baseline.js` writes it, for a release with a new major version of the chart.

const fs = require('node:fs');
const path = require('node:path');
const yaml = require('js-yaml');
const { chart, sets, render } = require('./helm');

const file = path.join(__dirname, 'baseline.json');

// Services' selectors can be changed, but a changed one points away from the running pods until they are replaced.
function fixed(docs) {
  return docs.filter((d) => d.spec && (d.spec.selector || d.spec.volumeClaimTemplates)).filter((d) => /^(apps|v1$)/.test(d.apiVersion)).map((d) => ({
    kind: d.kind,
    name: d.metadata.name,
    selector: d.spec.selector,
    ...(d.spec.volumeClaimTemplates && { serviceName: d.spec.serviceName, claims: d.spec.volumeClaimTemplates }),
  })).sort((a, b) => `${a.kind} ${a.name}`.localeCompare(`${b.kind} ${b.name}`));
}

// What of `before` is other, or gone, in `now`.
function changes(before, now) {
  const of = new Map(now.map((d) => [`${d.kind} ${d.name}`, d]));
  return before.filter((d) => JSON.stringify(of.get(`${d.kind} ${d.name}`)) !== JSON.stringify(d))
    .map((d) => `${d.kind} ${d.name} ${of.has(`${d.kind} ${d.name}`) ? 'has changed' : 'is gone'}`);
}

function now() {
  const { version } = yaml.load(fs.readFileSync(path.join(chart, 'Chart.yaml'), 'utf8'));
  return { version, sets: Object.fromEntries(sets.map((s) => [s, fixed(render(s))])) };
}

const released = () => JSON.parse(fs.readFileSync(file, 'utf8'));

module.exports = { fixed, changes, released };
if (require.main === module) {
  const { version, sets: of } = now();
  const rows = Object.entries(of).map(([s, docs]) => `    ${JSON.stringify(s)}: [\n${docs.map((d) => `      ${JSON.stringify(d)}`).join(',\n')}\n    ]`);
  fs.writeFileSync(file, `{\n  "version": ${JSON.stringify(version)},\n  "sets": {\n${rows.join(',\n')}\n  }\n}\n`);
}
