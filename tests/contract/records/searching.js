'use strict';
// What the tests of Search share: asking, following pages, and FHIR's meaning of dates and quantities
// written a second time, as the oracle that answers are held against.

const p = (name, ...values) => {
  const [bare, modifier = ''] = name.split(':');
  return { name: bare, modifier, values };
};

// One page. by: a role, or what Site.as gives.
function ask(site, kind, parameters, { by = 'nurse', on = site.records, ...more } = {}) {
  return on.call('Search', { kind, parameters, ...more }, typeof by === 'string' ? site.tokens[by] : by);
}

function refused(site, kind, parameters, { by = 'nurse', ...more } = {}) {
  return site.records.failure('Search', { kind, parameters, ...more }, typeof by === 'string' ? site.tokens[by] : by);
}

const idOf = (record) => record.version.resource_id;
const ids = async (...args) => (await ask(...args)).records.map(idOf);

// Every page, by its token: {ids, pages, total}.
async function all(site, kind, parameters, more = {}) {
  const found = { ids: [], pages: 0, total: 0 };
  let page_token;
  do {
    const answer = await ask(site, kind, parameters, { ...more, ...(page_token && { page_token }) });
    found.ids.push(...answer.records.map(idOf));
    found.pages++;
    found.total = answer.total;
    page_token = answer.next_page_token.length ? answer.next_page_token : undefined;
  } while (page_token);
  return found;
}

// ---- dates: [from, to) in microseconds, BigInt ----

const us = (ms) => BigInt(ms) * 1000n;
function interval(text) {
  const m = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/.exec(text);
  const [, y, mo, d, h, mi, s, f, z] = m;
  const at = (...parts) => us(Date.UTC(...parts));
  if (!mo) return [at(+y, 0, 1), at(+y + 1, 0, 1)];
  if (!d) return [at(+y, mo - 1, 1), at(+y, +mo, 1)];
  if (!h) return [at(+y, mo - 1, +d), at(+y, mo - 1, +d + 1)];
  const shift = !z || z === 'Z' ? 0n : BigInt(`${z[0]}1`) * (BigInt(z.slice(1, 3)) * 60n + BigInt(z.slice(4))) * 60000000n;
  const from = at(+y, mo - 1, +d, +h, +mi, +(s || 0)) + (f ? BigInt(f.padEnd(6, '0')) : 0n) - shift;
  return [from, from + (!s ? 60000000n : f ? 10n ** BigInt(6 - f.length) : 1000000n)];
}

const SINCE = -(1n << 63n) + 1n, OPEN = (1n << 63n) - 1n;
const period = ({ start, end }) => [start ? interval(start)[0] : SINCE, end ? interval(end)[1] : OPEN];

const split = (text) => {
  const m = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/.exec(text);
  return [m[1] || 'eq', m[2]];
};

// FHIR R4 3.1.1.4.5: whether the resource's interval is found by the parameter.
function dateFinds(text, resource) {
  if (!resource) return false;
  const [prefix, rest] = split(text);
  const [a, b] = interval(rest), [f, t] = resource;
  const within = a <= f && t <= b;
  return {
    eq: within, ne: !within, gt: t > b, lt: f < a, ge: t > b || within, le: f < a || within, sa: f >= b, eb: t <= a,
  }[prefix];
}

// ---- quantities, exactly: BigInt millionths of mg/L ----

const FACTOR = { 'mg/L': 1n, 'mg/dL': 10n, 'g/L': 1000n, 'ug/mL': 1n };
function exact(text, unit) {
  const [whole, part = ''] = text.replace('-', '').split('.');
  const n = BigInt(whole + part.padEnd(6, '0')) * FACTOR[unit];
  return text.startsWith('-') ? -n : n;
}

function quantityFinds(text, quantity) {
  const [prefix, rest] = split(text);
  const [number, , unit] = rest.split('|');
  if (!quantity || !(quantity.code in FACTOR) || !(unit in FACTOR)) return false;
  const v = exact(quantity.value.value, quantity.code), x = exact(number, unit);
  const digits = (number.split('.')[1] || '').length;
  const half = 5n * 10n ** BigInt(5 - digits) * FACTOR[unit];
  const tenth = (x < 0n ? -x : x) / 10n;
  const within = v >= x - half && v < x + half;
  return {
    eq: within, ne: !within, gt: v > x, sa: v > x, lt: v < x, eb: v < x, ge: v >= x, le: v <= x, ap: v >= x - tenth && v <= x + tenth,
  }[prefix];
}

// "system|code", "code": of any of these codings.
const codeFinds = (text, codings) => {
  const at = text.indexOf('|');
  const [system, code] = at < 0 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
  return codings.some((c) => c.code === code && (system === '' || c.system === system));
};

// Reproducible dice.
function dice(seed) {
  let x = seed >>> 0 || 1;
  const next = () => {
    x ^= x << 13; x >>>= 0; x ^= x >>> 17; x ^= x << 5; x >>>= 0;
    return x / 4294967296;
  };
  return { next, int: (n) => Math.floor(next() * n), pick: (list) => list[Math.floor(next() * list.length)], chance: (q) => next() < q };
}

module.exports = { p, ask, refused, ids, all, idOf, interval, period, dateFinds, quantityFinds, codeFinds, dice };
