'use strict';
// Whether a manifest is what the Kubernetes API takes, to the name of each field: against the API server's own OpenAPI document
// (WARD_DATA/k8s), and for custom resources against crds.json, which holds the fields that the chart uses, as their projects
// document them. A field that neither knows is a fault: the API server would drop it in silence.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const Ajv = require('ajv');
const { data } = require('../lib/paths');

const openapi = path.join(data, 'k8s/openapi-v1.34.json.gz');
const missing = fs.existsSync(openapi) ? false : 'no data: k8s/openapi-v1.34.json.gz';
const crds = require('./crds.json');

const closed = (d) => ({ ...d, additionalProperties: false });

// The OpenAPI document's types are open and name no kinds: close them and note which type is which kind.
function load() {
  const { definitions } = JSON.parse(zlib.gunzipSync(fs.readFileSync(openapi)));
  const kinds = new Map();
  for (const [name, d] of Object.entries(definitions)) {
    if (d.properties && !d['x-kubernetes-preserve-unknown-fields'] && !('additionalProperties' in d)) definitions[name] = closed(d);
    if (/\.(IntOrString|Quantity)$/.test(name)) definitions[name] = { type: ['string', 'number'] };
    for (const k of d['x-kubernetes-group-version-kind'] ?? []) kinds.set(`${k.group ? `${k.group}/` : ''}${k.version} ${k.kind}`, name);
  }
  const text = JSON.stringify(definitions).replaceAll('"#/definitions/', '"k8s#/definitions/');
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: 'k8s', definitions: JSON.parse(text) });
  return { ajv, kinds };
}

let loaded;
const compiled = new Map();
function validator(doc) {
  const kind = `${doc.apiVersion} ${doc.kind}`;
  if (!compiled.has(kind)) {
    const own = crds[kind];
    if (!own) loaded ??= load();
    const name = loaded?.kinds.get(kind);
    if (!own && !name) compiled.set(kind, null);
    else if (own) compiled.set(kind, new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(own));
    else compiled.set(kind, loaded.ajv.compile({ $ref: `k8s#/definitions/${name}` }));
  }
  return compiled.get(kind);
}

const isCustom = (doc) => `${doc.apiVersion} ${doc.kind}` in crds;

// What is wrong with a document, as sentences. `core`: whether to check what needs the OpenAPI document.
function faults(doc, core = !missing) {
  const who = `${doc.kind} ${doc.metadata?.name}`;
  if (!isCustom(doc) && !core) return [];
  const check = validator(doc);
  if (!check) return [`${who}: ${doc.apiVersion} has no such kind`];
  if (check(doc)) return [];
  return check.errors.map((e) => `${who}: ${e.instancePath || '/'} ${e.message} ${e.params.additionalProperty ?? ''}`.trim());
}

module.exports = { faults, missing, isCustom };
