'use strict';
// What the tests of audit's methods have in common: audit alone, who may ask it, and how it is asked. start() is for a file that kills
// it; shared() gives the Ward that the other files of one process use one after another.

const { Ward } = require('../../lib/ward');
const { sharedWard } = require('../../lib/shared');
const L = require('./log');

const start = async () => site(await Ward.start({ services: ['audit'] }));
const shared = async () => site(await sharedWard(['audit']));

function site(ward) {
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

module.exports = { start, shared };
