'use strict';
// A draft is its prescriber's alone: for everybody else there is no such order.

const test = require('node:test');
const assert = require('node:assert');
const { harmless, shared, placed, setState, failure } = require('./ordering');

let site;
test.before(async () => { site = await shared(); });
test.after(() => site?.stop());

const get = (order, by) => site.orders.call('GetOrder', { order_id: order.order_id }, site.who(by)).then((a) => a.order.state);
const history = (order, by) => site.orders.call('OrderHistory', { order_id: order.order_id }, site.who(by)).then((a) => a.orders.length);
const list = (patient, by, more = {}) => site.orders.call('ListOrders', { patient_id: patient.id, ...more }, site.who(by)).then((a) => a.orders.map((o) => o.order_id));
const why = async (promise) => { const e = await failure(promise); return [e.code, e.reason]; };

test('nobody else reads a draft, finds it in a list, or reads its history', async () => {
  const patient = await site.patient();
  const mine = await placed(site, patient, harmless());
  const { order: draft } = await site.place(patient, harmless(), { draft: true });
  const others = [site.as('physician', { sub: 'physician-2' }), 'nurse', 'pharmacist'];
  for (const by of others) {
    assert.deepStrictEqual(await why(get(draft, by)), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
    assert.deepStrictEqual(await why(history(draft, by)), ['NOT_FOUND', 'ORDER_NOT_FOUND']);
    assert.deepStrictEqual(await list(patient, by), [mine.order_id]);
    assert.deepStrictEqual(await list(patient, by, { states: ['ORDER_STATE_DRAFT'] }), []);
  }
  assert.strictEqual(await get(draft, 'physician'), 'ORDER_STATE_DRAFT');
  assert.strictEqual(await history(draft, 'physician'), 1);
  assert.deepStrictEqual((await list(patient, 'physician')).sort(), [mine.order_id, draft.order_id].sort());
});

test('once it is an order, everybody who may see the patient reads it', async () => {
  const patient = await site.patient();
  const { order: draft } = await site.place(patient, harmless(), { draft: true });
  await setState(site, draft, 'ACTIVE', { reason_code: '' });
  assert.strictEqual(await get(draft, 'nurse'), 'ORDER_STATE_ACTIVE');
  assert.strictEqual(await history(draft, 'nurse'), 2);
});

test('pages go on behind drafts of others', async () => {
  const patient = await site.patient();
  const before = (await placed(site, patient, harmless())).order_id;
  for (let i = 0; i < 3; i++) await site.place(patient, harmless(), { draft: true });
  const seen = [];
  for (let page_token = '', n = 0; n < 9; n++) {
    const page = await site.orders.call('ListOrders', { patient_id: patient.id, page_size: 1, page_token }, site.who('nurse'));
    seen.push(...page.orders.map((o) => o.order_id));
    page_token = page.next_page_token;
    if (!page_token) break;
  }
  assert.deepStrictEqual(seen, [before]);
});
