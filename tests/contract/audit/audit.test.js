'use strict';
// What audit.proto promises, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { Ward } = require('../../lib/ward');

let ward, identity, person, auditor, officer, admin;

// UUIDv7, as a service would make it.
function newId() {
  const id = crypto.randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  id[6] = (id[6] & 0x0f) | 0x70;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id;
}

const event = (more = {}) => ({
  event_id: newId(), occurred_at_us: String(Date.now() * 1000), service: 'identity',
  action: '/ward.identity.v1.Identity/Verify', outcome: 'OUTCOME_SUCCESS', actor: 'nurse-7', peer: 'wardctl',
  patient: 'patient-1', purpose: 'TREAT', place: 'ward-3/bed-2', trace_id: crypto.randomBytes(16).toString('hex'),
  detail: { score: '0.83' }, ...more,
});

before(async () => {
  ward = await Ward.start({ services: ['audit'] });
  identity = ward.client('audit', { as: 'identity' });
  person = ward.client('audit', { as: 'wardctl' });
  auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
  officer = { token: ward.token({ roles: ['privacy-officer'], sub: 'officer-1' }) };
  admin = { token: ward.token({ roles: ['audit-admin'], sub: 'admin-1' }) };
});
after(() => ward && ward.stop());

test('an appended event has an index and can be found', async () => {
  const e = event({ patient: 'find-me' });
  const a = await identity.call('Append', { events: [e] });
  assert.equal(a.appended.length, 1);
  assert.equal(a.appended[0].duplicate, false);
  const q = await person.call('Query', { patient: 'find-me' }, auditor);
  assert.equal(q.records.length, 1);
  assert.deepEqual(q.records[0].event_id, e.event_id);
  assert.equal(q.records[0].index, a.appended[0].index);
  assert.equal(q.records[0].event.detail.score, '0.83');
});
