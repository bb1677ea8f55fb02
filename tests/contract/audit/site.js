'use strict';
// What the tests of audit's methods share: audit alone, who may ask it, and how it is asked.

const { Ward } = require('../../lib/ward');
const L = require('./log');

async function start() {
  const ward = await Ward.start({ services: ['audit'] });
  const identity = ward.client('audit', { as: 'identity' });
  const records = ward.client('audit', { as: 'records' });
  const person = ward.client('audit', { as: 'wardctl' });
  const auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
  const officer = { token: ward.token({ roles: ['privacy-officer'], sub: 'officer-1' }) };
  const admin = { token: ward.token({ roles: ['audit-admin'], sub: 'admin-1' }) };

  const append = (...events) => identity.call('Append', { events });
  const query = (filter, what = auditor) => person.call('Query', filter, what);
  const vkeys = async () => (await person.call('ListKeys')).keys.map((k) => k.vkey);
  const head = async () => L.checkpoint((await person.call('GetCheckpoint')).checkpoint, await vkeys());
  // What audit itself said last of this action.
  async function own(action, filter = {}) {
    const q = await query({ service: 'audit', action: `/ward.audit.v1.Audit/${action}`, page_size: 1, ...filter });
    return q.records[0].event;
  }
  return { ward, identity, records, person, auditor, officer, admin, append, query, vkeys, head, own };
}

module.exports = { start };
