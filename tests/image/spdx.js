'use strict';
// SPDX 2.3's rules for the JSON fields that deploy/image/sbom.js writes, transcribed from the specification (spdx.github.io/spdx-spec/v2.3,
// chapters 6, 7 and 11); any other field is refused.

const Ajv = require('ajv');

const id = { type: 'string', pattern: '^SPDXRef-[A-Za-z0-9.-]+$' };
const text = { type: 'string', minLength: 1 };
const agent = { type: 'string', pattern: '^(NOASSERTION|(Person|Organization): .+)$' };
const lengths = { SHA1: 40, SHA224: 56, SHA256: 64, SHA384: 96, SHA512: 128, MD5: 32 };
const checksum = {
  type: 'object', additionalProperties: false, required: ['algorithm', 'checksumValue'],
  properties: { algorithm: { enum: Object.keys(lengths) }, checksumValue: { type: 'string', pattern: '^[0-9a-f]+$' } },
};
const reference = {
  type: 'object', additionalProperties: false, required: ['referenceCategory', 'referenceType', 'referenceLocator'],
  properties: { referenceCategory: { enum: ['OTHER', 'PERSISTENT-ID', 'SECURITY', 'PACKAGE-MANAGER'] }, referenceType: { const: 'purl' }, referenceLocator: { type: 'string', pattern: '^pkg:(deb|npm|oci)/[^ ]+@[^ ]+$' } },
};
const pack = {
  type: 'object', additionalProperties: false, required: ['SPDXID', 'name', 'downloadLocation', 'licenseConcluded', 'licenseDeclared', 'copyrightText', 'supplier', 'versionInfo'],
  properties: {
    SPDXID: id, name: text, versionInfo: text, downloadLocation: { type: 'string', pattern: '^(NOASSERTION|NONE|https://.+)$' }, filesAnalyzed: { type: 'boolean' },
    licenseConcluded: text, licenseDeclared: { enum: ['NOASSERTION', 'Apache-2.0'] }, copyrightText: text, supplier: agent, comment: text, checksums: { type: 'array', minItems: 1, items: checksum },
    externalRefs: { type: 'array', minItems: 1, items: reference }, primaryPackagePurpose: { enum: ['APPLICATION', 'LIBRARY', 'CONTAINER', 'FILE'] },
  },
};
const relationship = {
  type: 'object', additionalProperties: false, required: ['spdxElementId', 'relationshipType', 'relatedSpdxElement'],
  properties: { spdxElementId: id, relationshipType: { enum: ['DESCRIBES', 'CONTAINS', 'STATIC_LINK'] }, relatedSpdxElement: id },
};
const schema = {
  type: 'object', additionalProperties: false, required: ['spdxVersion', 'dataLicense', 'SPDXID', 'name', 'documentNamespace', 'creationInfo', 'packages', 'relationships'],
  properties: {
    spdxVersion: { const: 'SPDX-2.3' }, dataLicense: { const: 'CC0-1.0' }, SPDXID: { const: 'SPDXRef-DOCUMENT' }, name: text, documentNamespace: { type: 'string', pattern: '^https://[^#]+$' },
    creationInfo: {
      type: 'object', additionalProperties: false, required: ['created', 'creators'],
      properties: { created: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' }, creators: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^(Tool|Person|Organization): .+$' } } },
    },
    packages: { type: 'array', minItems: 1, items: pack }, relationships: { type: 'array', minItems: 1, items: relationship },
  },
};
const valid = new Ajv({ allErrors: true }).compile(schema);

// What is wrong with a document, by the schema and by what it cannot say.
function faults(doc) {
  const found = valid(doc) ? [] : valid.errors.map((e) => `${e.instancePath} ${e.message}`);
  const ids = [doc.SPDXID, ...doc.packages.map((p) => p.SPDXID)];
  for (const i of new Set(ids)) if (ids.filter((x) => x === i).length > 1) found.push(`${i} is there twice`);
  for (const r of doc.relationships) for (const end of [r.spdxElementId, r.relatedSpdxElement]) if (!ids.includes(end)) found.push(`${end} is not in the document`);
  for (const p of doc.packages) {
    if (!doc.relationships.some((r) => r.relatedSpdxElement === p.SPDXID)) found.push(`${p.SPDXID} is related to nothing`);
    for (const c of p.checksums ?? []) if (c.checksumValue.length !== lengths[c.algorithm]) found.push(`${p.SPDXID} has a wrong ${c.algorithm}`);
  }
  return found;
}

module.exports = { faults };
