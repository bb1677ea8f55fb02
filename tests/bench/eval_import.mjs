// eval_import.mjs BUILD OUT - how much of foreign charts an import keeps: the 80 bundles of Synthea go in and come out again, and each
// resource is compared member by member, numbers by their digits. kept_share counts what is stored (created, updated or unchanged);
// same_share what came out as it went in.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [build, out] = process.argv.slice(2);
process.env.BUILD = build;
const require = createRequire(import.meta.url);
const { Site } = require('../contract/records/site.js');
const { differences, exported, imported, read, synthea } = require('../contract/records/bundles.js');
const { data } = require('../lib/paths.js');

const texts = synthea();
if (!texts) {
  console.log(`skipped: no data: no fhir_synthea_r4 in WARD_DATA (${data})`);
  process.exit(0);
}

const site = await Site.start({ services: ['records'] });
try {
  const source = texts.map(read).flatMap((b) => b.entry.map((e) => e.resource));
  const start = process.hrtime.bigint();
  const last = await imported(site, { import_id: 'eval', source: 'synthea' }, texts);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { bundles } = await exported(site);
  const back = new Map(bundles.flatMap((b) => b.entry).map((e) => [e.resource.id, e.resource]));
  const bare = ({ meta: { versionId, lastUpdated, ...meta }, ...rest }) => (Object.keys(meta).length ? { ...rest, meta } : rest);
  const same = source.filter((r) => back.has(r.id) && differences(r, bare(back.get(r.id))).length === 0).length;
  const kept = last.created + last.updated + last.unchanged;
  const figures = {
    kept_share: kept / source.length, goal_kept_share: 1, same_share: same / source.length, goal_same_share: 1,
    bundles: last.bundles, resources: source.length, kept, created: last.created, updated: last.updated, unchanged: last.unchanged,
    quarantined: last.quarantined, uninterpreted: last.uninterpreted.reduce((n, u) => n + u.count, 0), seconds: Number(seconds.toFixed(1)),
  };
  console.log(`  ${figures.bundles} bundles, ${figures.resources} resources, ${figures.uninterpreted} of them of kinds that Ward does not interpret`);
  for (const u of last.uninterpreted) console.log(`    ${u.name.padEnd(24)} ${u.count}`);
  console.log(`  kept_share ${figures.kept_share.toFixed(4)} (goal 1): ${kept} stored, ${figures.quarantined} in the quarantine`);
  console.log(`  same_share ${figures.same_share.toFixed(4)} (goal 1): ${same} came out as they went in`);
  mkdirSync(path.dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await site.stop();
}
