// quiet.mjs - others on the machine spoil every figure: a measurement waits for a quiet moment, while its patience lasts,
// and says what was taken from it meanwhile.
import { readFileSync } from 'node:fs';

const LOOK_MS = 100;
const TICK_MS = 10; // of /proc/stat

// Ticks since the start, of all cores: user, nice, system, idle, iowait, irq, softirq, steal.
const ticks = () => readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/ +/).slice(1).map(Number);
const busyTicks = () => {
  const t = ticks();
  return t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
};

// Waits until fewer than `cores` are busy, `patience.ms` at most over all calls.
export async function quiet(cores, patience) {
  for (let busy = Infinity; patience.ms > 0 && busy > cores;) {
    const before = busyTicks();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    busy = ((busyTicks() - before) * TICK_MS) / LOOK_MS;
    if (busy > cores) patience.ms -= LOOK_MS;
  }
}

// What `work` resolves with, and how much of the cores' time the machine's owner gave to others meanwhile, in per cent.
export async function stolen(work) {
  const before = ticks();
  const result = await work();
  const passed = ticks().map((t, i) => t - before[i]);
  return { result, stolen_pct: Number(((100 * passed[7]) / Math.max(1, passed.slice(0, 8).reduce((a, b) => a + b, 0))).toFixed(1)) };
}
