// eval_masks.mjs BUILD DATA - what AssessPhotograph says of photographs of people with and without a mask (DATA/face_masks), through a
// running identity; into build/results/eval-masks.json. Nothing was fitted to these photographs. People repeat: the intervals
// are a little too narrow.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [build, data] = process.argv.slice(2);
process.env.BUILD = build;
const { Site } = createRequire(import.meta.url)('../contract/identity/site.js');

function wilson(k, n) { // 95 %
  const z = 1.959964, p = k / n, d = 1 + z * z / n, m = (p + z * z / (2 * n)) / d, h = z * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d;
  return [m - h, m + h];
}

const site = await Site.start();
const figures = {};
for (const [folder, name, what] of [['with_mask', 'masks_found', 'real masks, refused as FACE_OCCLUDED'], ['without_mask', 'bare_refused', 'bare faces, refused as FACE_OCCLUDED']]) {
  const dir = path.join(data, 'face_masks', folder), counts = {};
  for (const file of readdirSync(dir).sort()) {
    const a = await site.wardctl.call('AssessPhotograph', { photograph: readFileSync(path.join(dir, file)), largest_only: true }, site.tokens.nurse)
      .catch((err) => ({ reasons: [{ reason: err.reason }] }));
    const gate = a.usable ? 'USABLE' : a.reasons[0].reason;
    counts[gate] = (counts[gate] || 0) + 1;
  }
  const judged = (counts.USABLE || 0) + (counts.FACE_OCCLUDED || 0), k = counts.FACE_OCCLUDED || 0, [low, high] = wilson(k, judged);
  Object.assign(figures, { [name]: k / judged, [`${name}_n`]: judged, [`${name}_low`]: low, [`${name}_high`]: high });
  console.log(`${what}: ${k} of ${judged} = ${(100 * k / judged).toFixed(1)} % (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}); gates: ${JSON.stringify(counts)}`);
}
await site.stop();
mkdirSync('build/results', { recursive: true });
writeFileSync('build/results/eval-masks.json', `${JSON.stringify(figures, null, 2)}\n`);
