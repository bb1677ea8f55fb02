'use strict';
// Barcodes as scanners send them, to the chart: what is kept of each kind, and what is no barcode.

const test = require('node:test');
const assert = require('node:assert');
const { GTIN, FNC1, gtin, shared, ordered, asNeeded, bedside, give, refused, right } = require('./bedside');

let site, at, ppid_token;
test.before(async () => {
  site = await shared();
  at = await bedside(site, ordered(asNeeded(4, 1)));
  ppid_token = await site.ppid(at.patient);
});
test.after(() => site?.stop());

const G = GTIN.testozin;
const G13 = G.slice(1);
// A dose that is refused for its route, so that one order and one token do for all: what was read stands in the right's evidence.
const read = async (scan) => (await give(site, at, { scan, route: 'ROUTE_IV', ppid_token })).rights[1];
const evidence = async (scan) => { const r = await read(scan); return [r.result.replace('RESULT_', ''), r.evidence]; };

test('GS1 symbols, bracketed text and plain numbers mean the same product', async () => {
  const all = [
    [`]d201${G}`, `gtin ${G}`],
    [`]C101${G}10LOT1`, `gtin ${G} lot LOT1`],
    [`]e001${G}`, `gtin ${G}`],
    [`]Q301${G}17280229`, `gtin ${G} expires 2028-02-29`],
    [`01${G}10A/1-b${FNC1}1728020021SER`, `gtin ${G} lot A/1-b expires 2028-02-29`],
    [`${FNC1}01${G}21SER${FNC1}10A`, `gtin ${G} lot A`],
    [`(01)${G}(17)280200(10)A(1)`, `gtin ${G} lot A(1) expires 2028-02-29`],
    [`01${G}2403045${FNC1}711PZN${FNC1}10Z`, `gtin ${G} lot Z`],
    [G, `gtin ${G}`], [G13, `gtin ${G}`], [`]E0${G13}`, `gtin ${G}`], [`${G}\r\n`, `gtin ${G}`],
  ];
  for (const [scan, text] of all) assert.deepStrictEqual(await evidence(scan), ['PASS', text], JSON.stringify(scan));
});

test('the whole of it is kept with the dose', async () => {
  const one = await bedside(site);
  const { administration: d } = await give(site, one, { scan: `]d201${G}1729123110L-9${FNC1}21S-7` });
  assert.deepStrictEqual({ ...d.scanned }, {
    kind: 'gs1', gtin: G, lot: 'L-9', expires_on: '2029-12-31', serial: 'S-7', product_id: 'testozin-tablet', units: '', volume: null, warning: '', code: '',
    may_expire_on: '',
  });
  const plain = await give(site, await bedside(site), { scan: G13 });
  assert.strictEqual(plain.administration.scanned.kind, 'gtin');
});

test('what has expired is not given; its last day is the month\'s where the day is 00', async () => {
  const yymm = (months) => { const t = new Date(); t.setUTCDate(15); t.setUTCMonth(t.getUTCMonth() + months); return t.toISOString().slice(2, 7).replace('-', ''); };
  assert.strictEqual(right({ rights: [await read(`01${G}17${yymm(-1)}00`)] }, 'DRUG'), 'FAIL expired');
  assert.strictEqual(right({ rights: [await read(`01${G}17${yymm(0)}00`)] }, 'DRUG'), 'PASS');
  assert.strictEqual(right({ rights: [await read(`01${G}17${yymm(1)}01`)] }, 'DRUG'), 'PASS');
  assert.strictEqual(right({ rights: [await read(`01${G}7003${yymm(-2)}151200`)] }, 'DRUG'), 'FAIL expired');
});

test('a US label\'s UPC-A is told from other numbers', async () => {
  const upc = gtin('0030045044910').slice(2);
  const r = await read(upc);
  assert.deepStrictEqual([r.result, r.reason_code, r.evidence], ['RESULT_FAIL', 'unknown-product', `gtin 00${upc}`]);
});

test('a lot that swallowed an expiry is told: the printer left out the separator', async () => {
  const yymmdd = (months) => { const t = new Date(); t.setUTCDate(15); t.setUTCMonth(t.getUTCMonth() + months); return t.toISOString().slice(2, 10).replaceAll('-', ''); };
  const said = async (scan) => { const r = await read(scan); return [r.result.replace('RESULT_', ''), r.reason_code, r.evidence]; };
  const day = (six) => `20${six.slice(0, 2)}-${six.slice(2, 4)}-${six.slice(4)}`;
  const ahead = yymmdd(6), past = yymmdd(-6);
  assert.deepStrictEqual(await said(`01${G}10A7${'17'}${ahead}`),
    ['PASS', 'expiry-in-lot', `gtin ${G} lot A717${ahead}; the lot may hold the expiry ${day(ahead)}`]);
  assert.deepStrictEqual((await said(`01${G}10A7${'17'}${past}`)).slice(0, 2), ['NOT_CHECKED', 'expiry-in-lot']);
  assert.deepStrictEqual((await said(`01${G}21S1${'17'}${past}`)).slice(0, 2), ['NOT_CHECKED', 'expiry-in-lot']);
  for (const fine of [`01${G}10A717${past}${FNC1}21S`, `01${G}17${ahead}10A717${past}`, `(01)${G}(10)A717${past}`, `01${G}10A717139901`, `01${G}10A717991231`]) {
    assert.deepStrictEqual((await said(fine)).slice(0, 2), ['PASS', ''], fine);
  }
  const one = await bedside(site);
  const { administration: d } = await give(site, one, { scan: `01${G}10A717${ahead}` });
  assert.deepStrictEqual([d.scanned.warning, d.scanned.may_expire_on, d.scanned.expires_on], ['expiry-in-lot', day(ahead), '']);
});

test('a drug trace code of 20 digits and a code of the hospital name a product by the rule set', async () => {
  const trace = '83060671234567890123';
  assert.deepStrictEqual(await evidence(trace), ['PASS', `trace ${trace}`]);
  assert.deepStrictEqual(await evidence(`]C0${trace}\r\n`), ['PASS', `trace ${trace}`]);
  assert.deepStrictEqual(await evidence('83060689234567890123'), ['FAIL', 'trace 83060689234567890123'], 'another identification code');
  assert.deepStrictEqual(await evidence('UD-TESTO/500'), ['PASS', 'local UD-TESTO/500']);
  assert.deepStrictEqual(await evidence(']Q1UD-TESTO/500'), ['PASS', 'local UD-TESTO/500']);
  const { administration: d } = await give(site, await bedside(site), { scan: trace, units: '1' });
  assert.deepStrictEqual([d.scanned.kind, d.scanned.code, d.scanned.gtin, d.scanned.product_id], ['trace', trace, '', 'testozin-tablet']);
  assert.strictEqual(right({ rights: d.rights }, 'DOSE'), 'PASS');
  const find = async (query) => (await site.api('formulary').call('FindDrugs', { query }, site.who('nurse'))).drugs.map((x) => x.id);
  assert.deepStrictEqual([await find(trace), await find('UD-TESTO/500')], [['testozin'], ['testozin']]);
  for (const bad of [trace.slice(1), `${trace}0`, `7${trace.slice(1)}`, 'UD-TESTO/501', 'ud-testo/500']) {
    assert.strictEqual((await refused(site, at, { scan: bad, ppid_token })).reason, 'SCAN_UNREADABLE', bad);
  }
});

test('what is no barcode is refused, every digit that is wrong too', async () => {
  const slips = [...G].map((c, i) => `${G.slice(0, i)}${(Number(c) + 1) % 10}${G.slice(i + 1)}`);
  const bad = [
    ...slips, ...slips.map((s) => `]d201${s}`), `01${G}17271301`, `01${G}17270230`, `01${G}10`, `01${G}10${'x'.repeat(21)}`, `01${G}1012 34`,
    `01${G}01${GTIN.alertin}`, `01${G}02${G}3712`, `]C0${G}`, `]d2`, `]`, '(01)', `(01${G}`, '10LOT', '00006141411234567890', 'https://id.gs1.org/01/x',
    '\u4f60\u597d', '\u{1f489}', ' ', `${G} `, 'x'.repeat(512), '9'.repeat(513), `${G}${FNC1}`,
  ];
  for (const scan of bad) {
    const err = await refused(site, at, { scan, ppid_token });
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'SCAN_UNREADABLE'], JSON.stringify(scan).slice(0, 60));
  }
});
