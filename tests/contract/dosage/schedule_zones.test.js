'use strict';
// Times of the wall's clock against another implementation of time zones, Node's Intl (ICU, with a database of its own): in every zone
// that Intl knows, around a change of its clocks if there is one.

const test = require('node:test');
const assert = require('node:assert');
const { Site } = require('./site');
const { chance: random } = require('../../lib/chance');

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const FIRST = Date.UTC(2026, 0, 1);

let site;
test.before(async () => { site = await Site.shared({ rules: null, audit: false }); });
test.after(() => site?.stop());

// What a clock shows, as if it were UTC: milliseconds.
function clock(zone) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  return (at) => {
    const p = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second);
  };
}

// A day shortly before the clocks change for the n-th time from 2026 on; some day where they do not. It looks at one day of 16, and in
// between only where the two differ.
function before(shows, n) {
  const offset = (at) => shows(at) - at;
  for (let at = FIRST; at < FIRST + 3 * 366 * DAY; at += 16 * DAY) {
    if (offset(at) === offset(at + 16 * DAY) || n-- > 0) continue;
    let day = at + DAY;
    while (offset(day) === offset(at)) day += DAY;
    return day - 2 * DAY;
  }
  return FIRST + n * 97 * DAY;
}

// The first moment at which the wall shows this, or the first after it passed over it.
function moment(shows, wall) {
  const offsets = new Set([-30, -3, 0, 3, 30].map((h) => shows(wall + h * HOUR) - (wall + h * HOUR)));
  const found = [...offsets].map((o) => wall - o).filter((at) => shows(at) === wall);
  if (found.length) return Math.min(...found);
  let [low, high] = [wall - 30 * HOUR, wall + 30 * HOUR];
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (shows(middle) < wall) low = middle;
    else high = middle;
  }
  return high;
}

function expected(shows, starts, times, n) {
  const due = [];
  let last = -Infinity;
  for (let day = Math.floor(shows(starts) / DAY) * DAY; due.length < n; day += DAY) {
    for (const time of times) {
      const [h, m] = time.split(':').map(Number);
      const at = moment(shows, day + h * HOUR + m * MINUTE);
      last = at > last ? at : last + 5 * MINUTE;
      if (last >= starts && due.length < n) due.push(last);
    }
  }
  return due;
}

function someTimes(chance) {
  const night = chance() < 0.6;
  const all = new Set(Array.from({ length: 1 + Math.floor(chance() * 5) }, () => Math.floor(chance() * (night ? 24 : 144)) * 10));
  return [...all].sort((a, b) => a - b).map((m) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`);
}

test('doses by the wall\'s clock are due when Intl\'s clock shows their times', async () => {
  const chance = random(20261121);
  const schedule = site.api('schedule');
  let doses = 0;
  const zones = Intl.supportedValuesOf('timeZone');
  assert.ok(zones.length > 400);
  for (const [i, zone] of zones.entries()) {
    const shows = clock(zone);
    const ward = `w-${i}`;
    await site.api('dosageadmin').call('SetWard', { idempotency_key: site.key(), ward: { ward, time_zone: zone } }, site.tokens['dosage-admin']);
    for (let turn = 0; turn < 2; turn++) {
      const starts = before(shows, Math.floor(chance() * 4)) + Math.floor(chance() * 24) * HOUR;
      const times = someTimes(chance);
      const timing = { kind: 'KIND_TIMES', times };
      const got = await schedule.call('PreviewTiming', { timing, ward, starts_at_us: String(starts * 1000), most: 25 }, site.tokens.nurse);
      assert.equal(got.time_zone, zone);
      const want = expected(shows, starts, times, 25);
      assert.deepEqual(got.slots.map((s) => Number(s.due_at_us) / 1000), want, `${zone} ${new Date(starts).toISOString()} ${times}`);
      for (const [k, s] of got.slots.entries()) {
        assert.equal(Date.parse(s.due_local), want[k], 'the stamp is that moment');
        assert.equal(Date.parse(`${s.due_local.slice(0, 19)}Z`), shows(want[k]), 'and what the wall shows then');
      }
      doses += want.length;
    }
  }
  assert.ok(doses > 20000, `${doses} doses`);
});
