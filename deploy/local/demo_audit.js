'use strict';
// The last steps of the demo: receipts of the audit log, and an edited log.

const path = require('node:path');
const { must } = require('../../tests/lib/proc');
const { bin } = require('../../tests/lib/paths');

async function keys(up) {
  const list = await up.ask('audit', 'keys');
  return Array.isArray(list) ? list : list.keys;
}

// Prints receipts of these events. Returns the log's public key.
async function receipts(events, { up, title, typed, say, green, red, scratch }) {
  title(14, 'Receipts of the dose and of the confirmed film, verified offline with one public key');
  const [{ vkey: key }] = await keys(up);
  const file = path.join(scratch, 'receipt.json');
  for (const event of events) {
    typed('audit', 'receipt', event, '--out', 'receipt.json');
    await up.ask('audit', 'receipt', event, '--out', file);
    typed('audit', 'verify', '--key', 'KEY', '--receipt', 'receipt.json');
    const v = await up.ctl('audit', 'verify', '--key', key, '--receipt', file);
    say(v.status === 0 ? `${green('verified')}  the log contains the event, under a head signed by ${key.split('+')[0]}` : red('NOT VERIFIED'));
    if (v.status !== 0) throw new Error('the receipt of an unchanged log does not verify');
  }
  return key;
}

async function check(up, key, file) {
  await must([bin('wardctl'), '--data', up.dir, 'audit', 'export', file], { env: { PATH: process.env.PATH } });
  const v = await up.ctl('audit', 'verify', '--key', key, '--log', file);
  return { ...v.json(), status: v.status };
}

async function tamper(key, refused, { up, title, typed, say, dim, green, red, scratch }) {
  title(15, 'A database administrator edits the log');
  typed('audit', 'export', 'log');
  typed('audit', 'verify', '--key', 'KEY', '--log', 'log');
  const before = await check(up, key, path.join(scratch, 'before.log'));
  say(`${before.verified ? green('verified') : red('NOT VERIFIED')}  ${before.entries} entries: signature, root and the content of every entry are valid`);
  if (!before.verified) throw new Error('an unchanged log does not verify');
  say();
  say(`Entry ${refused.index} records the wrong person in the bed. The administrator replaces it with entry ${refused.match}:`);
  const statement = `UPDATE entry a JOIN entry b ON b.idx = ${refused.match} SET a.leaf = b.leaf, a.content = b.content, a.key_id = b.key_id WHERE a.idx = ${refused.index}`;
  say(dim(`mariadb> ${statement}`));
  await up.sql('audit', statement);
  const after = await check(up, key, path.join(scratch, 'after.log'));
  say();
  typed('audit', 'verify', '--key', 'KEY', '--log', 'log');
  for (const f of after.findings || []) say(`${red(f.what)}  ${f.text}`);
  say(after.verified ? red('the edit was not detected') : `${green('found')}  the changed database does not match the signed head`);
  if (after.verified) throw new Error('an edited log was verified');
}

module.exports = { receipts, tamper };
