// abuse.mjs - `make abuse-test`: every attack at full size on one server on libnghttp2, by a peer with a certificate and by a
// stranger, beside a well-behaved client. Prints a line for each and writes build/results/abuse.json:
//   restarts           times the watchdog ended the server
//   rss_ratio_max      most resident memory during an attack, as a multiple of the memory before the first attack
//   rss_left_ratio     resident memory a few seconds after the last attack, likewise
//   good_calls_failed  calls of the well-behaved client that failed
//   good_p99_ratio     its 99th percentile during all attacks, as a multiple of its percentile without one
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { certificates } = require('./echo');
const { ATTACKS, NAMELESS, Siege } = require('./siege');
const { results } = require('../../lib/results');

const GOALS = { restarts: 0, rss_ratio_max: 1.5, good_calls_failed: 0, good_p99_ratio: 10 };
const only = process.argv.slice(2);

const siege = await Siege.start(await certificates(), { quiet: 5000 });
const first = siege.memory();
const all = [];
for (const name of Object.keys(ATTACKS).filter((n) => only.length === 0 || only.includes(n))) {
  for (const as of NAMELESS.includes(name) ? [undefined] : ['stranger', undefined]) {
    const r = await siege.attack(name, { as, full: true });
    const said = JSON.parse(r.said);
    all.push(r);
    console.log(`${name.padEnd(20)} ${r.as.padEnd(14)} ${String(said.sent).padStart(7)} sent, ${said.ended} of ${said.opened} connections ended; `
      + `memory ${(r.peak / first).toFixed(2)} x, then ${(r.left / first).toFixed(2)} x; ${r.failed.length} of ${r.calls.length} good calls failed, p99 ${r.p99_ms.toFixed(1)} ms`);
    for (const why of new Set(r.failed)) console.log(`  ${why}`);
  }
}
const calls = all.flatMap((r) => r.calls);
const figures = {
  restarts: siege.echo.restarts,
  rss_ratio_max: Math.max(...all.map((r) => r.peak)) / first,
  rss_left_ratio: siege.memory() / first,
  good_calls: calls.length,
  good_calls_failed: all.flatMap((r) => r.failed).length,
  good_p99_idle_ms: siege.idle,
  good_p99_ratio: siege.p99(calls) / siege.idle,
};
await siege.stop();
for (const [k, v] of Object.entries(GOALS)) figures[`goal_${k}`] = v;
results('abuse', figures);
const missed = Object.keys(GOALS).filter((k) => figures[k] > GOALS[k]);
console.log(JSON.stringify(figures));
console.log(missed.length === 0 ? 'every goal is met' : `goals missed: ${missed.join(', ')}`);
process.exitCode = missed.includes('restarts') || missed.includes('good_calls_failed') ? 1 : 0;
