'use strict';
// helm and what it renders: the chart, the value sets, one rendering of each.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const yaml = require('js-yaml');
const { root, folder } = require('../lib/paths');

const chart = path.join(root, 'deploy/k8s/ward');
const setsDir = path.join(root, 'deploy/k8s/values');
const sets = fs.readdirSync(setsDir).filter((f) => f.endsWith('.yaml')).map((f) => path.basename(f, '.yaml')).sort();
const bin = process.env.WARD_HELM || path.join(root, 'build/helm/helm');
const missing = fs.existsSync(bin) ? false : 'helm is not here: tools/fetch-helm says why';

// helm's own folders are a test's, so that a user's repositories and plugins change nothing.
let home;
function helm(...args) {
  home ??= folder('helm');
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: os.tmpdir() };
  const r = spawnSync(bin, args, { env, cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status: r.status, out: r.stdout, err: r.stderr };
}

const file = (set) => path.join(setsDir, `${set}.yaml`);

const parse = (text) => yaml.loadAll(text).filter(Boolean);

// The documents of one set. `args` are further arguments of `helm template`.
const rendered = new Map();
function render(set, ...args) {
  const key = [set, ...args].join(' ');
  if (!rendered.has(key)) {
    const r = helm('template', 'ward', chart, '--namespace', 'hospital', '--values', file(set), ...args);
    if (r.status !== 0) throw new Error(`helm template with ${key}: ${r.err}`);
    rendered.set(key, { text: r.out, docs: parse(r.out) });
  }
  return rendered.get(key).docs;
}
const renderedText = (set) => (render(set), rendered.get(set).text);

// Of a document that holds a pod: its spec and labels. Else null.
function podOf(doc) {
  if (doc.kind === 'Pod') return { spec: doc.spec, labels: doc.metadata.labels, name: doc.metadata.name, claims: [] };
  const t = doc.spec?.template;
  const claims = (doc.spec?.volumeClaimTemplates ?? []).map((c) => c.metadata.name);
  return t?.spec?.containers ? { spec: t.spec, labels: t.metadata.labels, name: doc.metadata.name, claims } : null;
}

const component = (labels) => labels?.['app.kubernetes.io/component'];
// The pods of Ward's own services.
const services = (docs) => docs.filter((d) => d.kind === 'Deployment').map((d) => ({ doc: d, service: component(d.metadata.labels), ...podOf(d) }));

module.exports = { chart, sets, file, helm, missing, render, renderedText, parse, podOf, component, services };
