'use strict';
// Who may not see a chart does not see it by any method: Update, MarkEnteredInError, Batch, History,
// ReadVersion and GetAttachment answer them as they answer about what is not there, word for word.

const test = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { Site, uuid, person, encounter, observation, note, consent } = require('./site');

const HIV = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' };
const heard = ({ code, details, reason, status }) => ({ code, details, reason, status });

test('what may not be seen is not there, by every method', async (t) => {
  const site = await Site.shared();
  t.after(() => site.stop());
  const author = site.as('physician', { sub: 'physician-9', ward: 'ward-9' });
  const nurse = site.tokens.nurse; // of ward-3
  const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

  async function put(patient_id) {
    const bytes = crypto.randomBytes(2000);
    const call = site.records.duplex('PutAttachment', { ...author, deadline: 60000 });
    call.write({ start: { patient_id, content_type: 'application/pdf', sha256: sha256(bytes) } });
    call.write({ chunk: bytes });
    call.end();
    return (await call.answer).url;
  }

  // An observation and a document with an attachment, written in another ward; then what hides them.
  async function chart(hide) {
    const id = (await site.create(person())).version.resource_id;
    await site.create(encounter(id, 'ward-9'));
    const url = await put(id);
    const meta = { meta: { security: [HIV] } };
    const O = await site.create(observation(id, meta), author);
    const D = await site.create(note(id, '', { ...meta, content: [{ attachment: { content_type: 'application/pdf', url } }] }), author);
    await hide(id);
    return { id, url, O, D };
  }

  const treated = (id) => site.create(encounter(id));
  const glass = (id) => site.api('recordsaccess').call('BreakGlass', {
    idempotency_key: site.key(), patient_id: id, reason: 'GLASS_REASON_EMERGENCY', explanation: 'unconscious, no relatives here', lifetime_s: 60,
  }, nurse);
  const ROWS = {
    'no relation': async () => {},
    'everything is denied to everybody': async (id) => { await treated(id); await site.create(consent(id)); },
    'the label is denied': async (id) => {
      await treated(id);
      await site.create(consent(id, { provision: [{ type: 'PROVISION_TYPE_DENY', security_label: [HIV] }] }));
    },
    'a glass that is over': async (id) => { await glass(id); await site.sql(`UPDATE glass SET until_us = from_us + 1 WHERE patient_id = ${site.hex(id)}`); },
    'a stay that is over': async (id) => site.create(encounter(id, 'ward-3', { period: { start: '2026-03-01T08:00:00Z', end: '2026-03-02T08:00:00Z' } })),
  };

  const failure = (method, request, by) => site.records.failure(method, { ...request, ...(method !== 'History' && method !== 'ReadVersion' && { idempotency_key: site.key() }) }, by);
  const kind = 'KIND_OBSERVATION';
  const changed = (O, id) => ({ observation: { ...O.resource.observation, id, status: 'STATUS_AMENDED' } });
  const mark = (id) => ({ kind, id, expected_version: 1, reason: 'a slip' });
  // Each: how one asks of an id.
  const ASKS = {
    Update: ({ O }, id) => ['Update', { resource: changed(O, id), expected_version: 1 }],
    MarkEnteredInError: (c, id) => ['MarkEnteredInError', mark(id)],
    'Batch of an update': ({ O }, id) => ['Batch', { entries: [{ update: { resource: changed(O, id), expected_version: 1 } }] }],
    'Batch of a mark': (c, id) => ['Batch', { entries: [{ mark_entered_in_error: mark(id) }] }],
    History: (c, id) => ['History', { kind, id }],
    ReadVersion: (c, id) => ['ReadVersion', { kind, id, version: 1 }],
  };
  const got = async (patient_id, url, by) => {
    const chunks = [];
    for await (const m of site.records.stream('GetAttachment', { patient_id, url }, by)) chunks.push(m.chunk);
    return Buffer.concat(chunks);
  };
  const ungot = (patient_id, url) => got(patient_id, url, nurse).then(() => assert.fail('it was given'), (e) => e);

  for (const [what, hide] of Object.entries(ROWS)) {
    await t.test(what, async () => {
      const c = await chart(hide);
      const id = c.O.version.resource_id;
      for (const [method, ask] of Object.entries(ASKS)) {
        const hidden = heard(await failure(...ask(c, id), nurse));
        assert.equal(`${hidden.code}/${hidden.reason}`, 'NOT_FOUND/RESOURCE_NOT_FOUND', method);
        assert.deepEqual(hidden, heard(await failure(...ask(c, uuid()), nurse)), method);
      }
      const hidden = heard(await ungot(c.id, c.url));
      assert.equal(hidden.code, 'NOT_FOUND');
      assert.deepEqual(hidden, heard(await ungot(c.id, `urn:sha-256:${sha256('nothing')}`)));
      assert.deepEqual(hidden, heard(await ungot(uuid(), c.url)));
      assert.equal((await site.sql(`SELECT version FROM resource WHERE resource_id = ${site.hex(id)}`))[0][0], '1');
    });
  }

  await t.test('who treats is given all of it', async () => {
    const c = await chart(treated);
    const id = c.O.version.resource_id;
    assert.equal((await got(c.id, c.url, nurse)).length, 2000);
    for (const [method, ask] of Object.entries(ASKS)) {
      if (method === 'MarkEnteredInError' || method === 'Batch of an update') continue; // one change each is enough
      const [name, request] = ask(c, id);
      if (method === 'Batch of a mark') request.entries[0].mark_entered_in_error.expected_version = 2;
      const key = name === 'History' || name === 'ReadVersion' ? {} : { idempotency_key: site.key() };
      assert.ok(await site.records.call(name, { ...request, ...key }, nurse), method);
    }
  });
});
