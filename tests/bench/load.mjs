// load.mjs BUILD SECONDS - an overloaded server: what it still gets done, and for whom. `make bench-load`.
//
// The echo server on libnghttp2 has WORKERS workers, and each call keeps one for SLEEP_MS: the capacity is known, and
// a call costs the machine little. So the figures are of the queue and not of the processor. Calls are
// sent at an even rate whether or not earlier ones are answered (open loop), by grpc-js.
//   goodput_at_10x_2s, goodput_at_10x_100ms  calls answered in time at ten times the capacity, as a share of the most that is
//                                            answered at any lower rate, with deadlines of 2 s and of 100 ms
//   good_client_loss                         share of the calls that a peer loses at a third of the capacity while another
//                                            peer asks for ten times the capacity
//   bedside_p99_ratio                        p99 of a call of lane BEDSIDE meanwhile, as a multiple of its p99 without load
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [build, seconds] = [process.argv[2], Number(process.argv[3])];
process.env.BUILD = build;
const require = createRequire(import.meta.url);
const { Echo, certificates } = require('../contract/rpc/echo');

const WORKERS = 4;
const SLEEP_MS = 40;
const CAPACITY = WORKERS * (1000 / SLEEP_MS);
const CONNECTIONS = 4;
const WARM_S = 1;
const nap = (ms) => new Promise((r) => { setTimeout(r, ms); });

// Calls at this rate, for so long; the first second is not counted. {sent, good, ms}: of those that were answered in time.
async function drive(echo, { rate, deadline, as = 'friend', method = 'Unary', sleep = SLEEP_MS, during = seconds }) {
  const clients = Array.from({ length: CONNECTIONS }, (_, i) => echo.client({ as, channel: { 'grpc.use_local_subchannel_pool': 1, 'ward.client': i } }));
  await Promise.all(clients.map((c) => c.call('Fast', {}, { deadline: 10000 })));
  const ms = [];
  const open = [];
  const began = performance.now();
  let sent = 0;
  for (let i = 0; performance.now() - began < (WARM_S + during) * 1000;) {
    for (const due = ((performance.now() - began) * rate) / 1000; i < due; i += 1) {
      const at = performance.now();
      const counts = at - began > WARM_S * 1000;
      sent += counts ? 1 : 0;
      open.push(clients[i % CONNECTIONS].call(method, { sleep_ms: sleep }, { deadline }).then(() => { if (counts) ms.push(performance.now() - at); }, () => {}));
    }
    await nap(1);
  }
  await Promise.all(open);
  for (const c of clients) c.close();
  return { sent, good: ms.length, ms: ms.sort((a, b) => a - b) };
}

const p99 = (ms) => ms[Math.min(ms.length - 1, Math.floor(0.99 * ms.length))];
const round = (x) => Number(x.toFixed(3));

const out = { capacity_per_s: CAPACITY, seconds };
const echo = await Echo.start({ workers: WORKERS, queue: 512, quiet: 1 }, await certificates(), { WARD_TRANSPORT: 'h2' });
for (const [name, deadline] of [['2s', 2000], ['100ms', 100]]) {
  const at = {};
  for (const times of [0.5, 0.8, 1, 2, 10]) {
    at[times] = (await drive(echo, { rate: times * CAPACITY, deadline })).good / seconds;
    out[`goodput_per_s_at_${times}x_${name}`.replace('0.', '0_')] = round(at[times]);
    console.log(`deadline ${name.padEnd(6)} ${String(times).padStart(4)} x the capacity: ${at[times].toFixed(1)} of ${CAPACITY} calls/s answered in time`);
  }
  out[`goodput_at_10x_${name}`] = round(at[10] / Math.max(at[0.5], at[0.8], at[1], at[2]));
}
const quiet = await drive(echo, { rate: 20, deadline: 2000, method: 'Bedside', sleep: 5 });
const [good, bedside] = await Promise.all([
  drive(echo, { rate: CAPACITY / 3, deadline: 2000 }),
  drive(echo, { rate: 20, deadline: 2000, method: 'Bedside', sleep: 5 }),
  drive(echo, { rate: 10 * CAPACITY, deadline: 2000, as: 'stranger' }),
]);
out.good_client_loss = round(1 - good.good / good.sent);
out.bedside_p99_idle_ms = round(p99(quiet.ms));
out.bedside_loss = round(1 - bedside.good / bedside.sent);
out.bedside_p99_ratio = round(p99(bedside.ms) / p99(quiet.ms));
Object.assign(out, { goal_goodput_at_10x_2s: 0.9, goal_goodput_at_10x_100ms: 0.9, goal_good_client_loss: 0.05, goal_bedside_p99_ratio: 3 });
out.restarts = echo.restarts;
await echo.stop();
console.log(`a peer at a third of the capacity beside one at ten times: ${(100 * out.good_client_loss).toFixed(1)} % of its calls are lost`);
console.log(`bedside p99 ${p99(quiet.ms).toFixed(1)} ms without load, ${p99(bedside.ms).toFixed(1)} ms meanwhile`);
mkdirSync(path.join(build, 'results'), { recursive: true });
writeFileSync(path.join(build, 'results/bench-load.json'), `${JSON.stringify(out)}\n`);
