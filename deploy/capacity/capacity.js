#!/usr/bin/env node
'use strict';
// capacity - cores, memory and disk for a number of hospitals, from the measured cost of each act (costs.json, made by
// `make bench-capacity`) and from assumptions about a hospital (hospital.json, or a file of the site's own).
//   capacity [--hospital FILE] [N...]   lines of JSON, one for each number of hospitals (1 10 100 1000)
//   capacity --page                     docs/capacity.md

const fs = require('node:fs');
const path = require('node:path');

const SERVICES = ['audit', 'identity', 'records', 'dosage', 'diagnosis'];
const NUMBERS = [1, 10, 100, 1000];
const DAY_S = 86400, YEAR_DAYS = 365, GIB = 2 ** 30, MIB = 2 ** 20;
// `make bench-face`, 2026-11-21 (docs/face.md): of one face in the search index of each replica.
const FACE_MEMORY_BYTES = 587;
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const costs = read(path.join(__dirname, 'costs.json'));
const usual = read(path.join(__dirname, 'hospital.json'));

const sum = (values) => values.reduce((a, b) => a + b, 0);

// What n hospitals need.
function need(n, h = usual, c = costs) {
  const daily = Object.fromEntries(Object.entries(h.each_bed_each_day).map(([act, each]) => [act, each * h.beds * n]));
  for (const act of Object.keys(daily)) if (!c.costs[act]) throw new Error(`no cost of "${act}" was measured; there are ${Object.keys(c.costs).join(', ')}`);
  const busy = h.busiest_hour_to_mean / DAY_S;
  const perDay = (of) => sum(Object.entries(daily).map(([act, times]) => times * of(c.costs[act])));
  const cores = (name) => perDay((cost) => cost.cpu_us[name]) / 1e6 * busy / h.used_share_of_a_core;
  const bytes = (schema) => perDay((cost) => cost.bytes[schema] ?? 0);
  const faces = daily.enrolment * h.faces_kept_days;

  const services = Object.fromEntries(SERVICES.map((s) => {
    const replicas = Math.max(h.replicas_at_least, Math.ceil(cores(s) / h.cores_of_a_replica));
    const memory = replicas * (1.5 * c.rss_bytes[s] + (s === 'identity' ? faces * FACE_MEMORY_BYTES : 0));
    return [s, { cores: cores(s), replicas, memory_gib: memory / GIB }];
  }));
  const day = sum(SERVICES.map(bytes));
  const database = { cores: cores('mariadb'), memory_gib: Math.max(1, h.days_in_memory * day / GIB), disk_gib: h.years_of_data * YEAR_DAYS * day / GIB };
  const restore = database.disk_gib * GIB / 1e6 / h.restore_mb_per_s / 3600;
  const clusters = Math.min(n, Math.max(Math.ceil(database.cores / h.cores_of_a_database), Math.ceil(database.disk_gib / h.gib_of_a_database)));
  return {
    hospitals: n, acts_a_second: sum(Object.values(daily)) * busy, events_a_second: perDay((cost) => cost.events) * busy, faces, services, database,
    disk_gib_a_year: YEAR_DAYS * day / GIB, restore_hours: restore, clusters, galera: restore / clusters > h.restore_hours_at_most,
  };
}

// ---- docs/capacity.md ----

const count = (v) => v.toLocaleString('en-US', { maximumFractionDigits: v < 1 ? 2 : v < 10 ? 1 : 0 });
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((r) => `| ${r.join(' | ')} |`).join('\n');
const KINDS = {
  observation: 'nurse charts an observation (`Create`)', read: 'a resource of a chart is read (`Read`)', order: 'physician places an order (`Place`, with its check)',
  dose: 'nurse verifies by wristband and gives a dose (`VerifyWristband`, `Administer`)', enrolment: 'a face is enrolled (`Enrol`)',
  face: 'a patient is verified by photograph (`Verify`)', film: 'a model reads a film and files a report (`Infer`, 1,008 x 1,008 pixels)',
};

const costTable = () => table(['act', ...SERVICES, 'MariaDB', 'all', 'bytes', 'events'], Object.entries(costs.costs).map(([act, c]) => [
  `${act}: ${KINDS[act]}`, ...[...SERVICES, 'mariadb'].map((s) => count(c.cpu_us[s])), `**${count(sum(Object.values(c.cpu_us)))}**`, count(sum(Object.values(c.bytes))), c.events]));

function needTable() {
  const all = NUMBERS.map((n) => need(n));
  const row = (name, of) => [name, ...all.map((v) => of(v))];
  return table(['hospitals', ...NUMBERS.map(count)], [
    row('acts a second in the busiest hour', (v) => count(v.acts_a_second)),
    row('audit events a second in the busiest hour', (v) => count(v.events_a_second)),
    ...SERVICES.map((s) => row(`${s}: cores / replicas`, (v) => `${count(v.services[s].cores)} / ${count(v.services[s].replicas)}`)),
    row('MariaDB: cores', (v) => count(v.database.cores)),
    row('**all cores**', (v) => `**${count(sum(SERVICES.map((s) => v.services[s].cores)) + v.database.cores)}**`),
    row('memory of the services, GiB', (v) => count(sum(SERVICES.map((s) => v.services[s].memory_gib)))),
    row('memory of MariaDB\'s buffer pool, GiB', (v) => count(v.database.memory_gib)),
    row('disk of a year, GiB', (v) => count(v.disk_gib_a_year)),
    row(`disk of ${usual.years_of_data} years, GiB`, (v) => count(v.database.disk_gib)),
    row('faces that are searched', (v) => count(v.faces)),
    row('clusters, each with its own database', (v) => count(v.clusters)),
    row('database', (v) => (v.galera ? 'Galera' : 'one server')),
  ]);
}

function page() {
  return `# Capacity

<!-- Printed by \`make docs\` from deploy/capacity: change capacity.js, costs.json and hospital.json. -->

This page gives the cores, the memory and the disk space that a number of hospitals needs. The program \`deploy/capacity/capacity.js\` computes the tables from
measured costs and from assumptions. Replace the assumptions with your own:

\`\`\`
deploy/capacity/capacity.js --hospital my-hospital.json 3     # three hospitals like the one in the file
make bench-capacity                                           # measure the costs on your machine; then copy the result to costs.json
\`\`\`

## Measured: the cost of each act

For each act, the table gives the CPU time in microseconds, the growth of the databases in bytes, and the number of audit events. \`make bench-capacity\`, ${costs.date}, ${costs.machine}; the services, MariaDB and
the callers shared the machine, and other programs also used the machine (load average ${costs.load_average.toFixed(1)}). MariaDB syncs its log at every commit.

${costTable()}

Without calls, the services and MariaDB use ${sum(Object.values(costs.idle_cores)).toFixed(2)} cores. Resident memory of a replica after the run: ${SERVICES.map((s) => `${s} ${count(costs.rss_bytes[s] / MIB)} MiB`).join(', ')}. A face
takes ${FACE_MEMORY_BYTES} bytes in the search index of each replica (\`make bench-face\`, 2026-11-21, two cores of an AMD EPYC).

## Assumed: one hospital

${table(['assumption', 'value'], [
    ['beds', count(usual.beds)],
    ...Object.entries(usual.each_bed_each_day).map(([act, each]) => [`${act}, each bed and day`, String(each)]),
    ['busiest hour, compared with the mean hour', `${usual.busiest_hour_to_mean} x`],
    ['used share of a core in the busiest hour', `${usual.used_share_of_a_core * 100} %`],
    ['replicas of a service, at least; cores of a replica', `${usual.replicas_at_least}; ${usual.cores_of_a_replica}`],
    ['years of data in the database', String(usual.years_of_data)],
    ['days for which a face is stored', String(usual.faces_kept_days)],
    ['days of data in MariaDB\'s buffer pool, at least 1 GiB', String(usual.days_in_memory)],
    ['speed of a restore', `${usual.restore_mb_per_s} MB/s`],
    ['longest restore before a second node is worth its cost', `${usual.restore_hours_at_most} h`],
    ['largest database server', `${usual.cores_of_a_database} cores, ${count(usual.gib_of_a_database)} GiB`],
  ])}

These are assumptions, not measurements of a hospital.

## Computed

${needTable()}

- **Cores** = acts in the busiest hour x CPU time of an act / used share of a core.
- **Memory of the services** = replicas x (1.5 x resident memory after the run), and for identity the faces in each replica.
- **Disk** = bytes of an act x acts. Binary logs and backups need their own space, which was not measured.
- **One server or Galera.** Galera adds no capacity to Ward, because all writes go to one node. With Galera, the loss of a node needs no restore of a backup. Choose Galera if a
  restore takes longer than the hospital can work on paper.
- **Several clusters.** When the database outgrows the largest server, spread hospitals over clusters. Each cluster has its own release of Ward, database, root keys and
  audit log. Before you use several clusters, give each service its own database server (\`services.NAME.database.host\`).

## Not measured

- Searches among many faces (\`Identify\`): [face.md](face.md#performance) has their times, and no CPU time for each search.
- Costs with large tables. The run's tables are small; \`make bench-records\` and \`make bench-dosage\` measure times with millions of rows.
- Networks between machines, disks, binary logs, Prometheus, load balancers, and every GPU or NPU.
- Installations for 100 and 1,000 hospitals. The table multiplies the cost of one act; nobody has run such an installation.
`;
}

module.exports = { need, page, usual, costs };
if (require.main === module) {
  const words = process.argv.slice(2);
  if (words[0] === '--page') {
    process.stdout.write(page());
  } else {
    const h = words[0] === '--hospital' ? { ...usual, ...read(words.splice(0, 2)[1]) } : usual;
    const numbers = words.length > 0 ? words.map(Number) : NUMBERS;
    if (numbers.some((n) => !Number.isInteger(n) || n < 1)) {
      process.stderr.write('usage: capacity [--hospital FILE] [NUMBER OF HOSPITALS...] | --page\n');
      process.exit(2);
    }
    for (const n of numbers) process.stdout.write(`${JSON.stringify(need(n, h))}\n`);
  }
}
