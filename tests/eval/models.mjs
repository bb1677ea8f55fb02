// models.mjs - the diagnosis models through the service as deployed: films and values go in by gRPC, what comes out is held against
// the test splits, which chose nothing. Far and near pictures are those of data/: photographs, ultrasound, noise; adult films, of which
// the half that training/splits/adult_films.tsv calls `judge`.
//
// 10 x 5-fold figures of the heart models are training's (make train-heart): they are taken from its results where these are there.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { npz } from './npz.mjs';

const require = createRequire(import.meta.url);
const { Site } = require('../contract/diagnosis/site.js');
const { png } = require('../lib/films.js');
const { data, root } = require('../lib/paths.js');
const AT_ONCE = 6;
const DRAWS = 2000;
const EVERY = 4; // of the photographs
const HEART = ['heart_tree', 'heart_svm', 'heart_mlp'];
const COLUMNS = ['age', 'sex', 'cp', 'trestbps', 'chol', 'fbs', 'restecg', 'thalach', 'exang', 'oldpeak', 'slope', 'ca', 'thal'];
const GOALS = { chest_auc: 0.98, chest_acc: 0.9, abstain_far: 0.95, abstain_near: 0.8, coverage: 0.95, ece_max: 0.05, tree_auc: 0.89, svm_auc: 0.89, mlp_auc: 0.89 };

/* ---- figures ---- */

let seed = 1;
const random = () => { // mulberry32: the same intervals on every machine
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;

// rows: [probability, truth 0 or 1]. Ties count half.
function auc(rows) {
  const sorted = [...rows].sort((a, b) => a[0] - b[0]);
  let sum = 0, ones = 0;
  for (let i = 0, j; i < sorted.length; i = j) {
    for (j = i; j < sorted.length && sorted[j][0] === sorted[i][0]; j++);
    for (let k = i; k < j; k++) if (sorted[k][1]) { sum += (i + j + 1) / 2; ones++; }
  }
  return (sum - ones * (ones + 1) / 2) / (ones * (sorted.length - ones));
}
const accuracy = (threshold) => (rows) => mean(rows.map(([p, y]) => Number((p >= threshold) === (y === 1))));
// Expected calibration error in ten bins of equal width.
function ece(rows) {
  const bins = Array.from({ length: 10 }, () => []);
  for (const r of rows) bins[Math.min(9, Math.floor(r[0] * 10))].push(r);
  return bins.filter((b) => b.length).reduce((s, b) => s + b.length / rows.length * Math.abs(mean(b.map((r) => r[0])) - mean(b.map((r) => r[1]))), 0);
}
function interval(rows, figure) {
  const all = Array.from({ length: DRAWS }, () => figure(rows.map(() => rows[Math.floor(random() * rows.length)]))).filter(Number.isFinite).sort((a, b) => a - b);
  return [all[Math.floor(0.025 * all.length)], all[Math.ceil(0.975 * all.length) - 1]];
}
const results = {};
function tell(name, rows, figure, what) {
  const [value, [lo, hi]] = [figure(rows), interval(rows, figure)];
  Object.assign(results, { [name]: value, [`${name}_lo`]: lo, [`${name}_hi`]: hi });
  const goal = GOALS[name] === undefined ? '' : `goal ${GOALS[name]}`;
  console.log(`  ${what.padEnd(66)} ${value.toFixed(3)}  ${lo.toFixed(3)} to ${hi.toFixed(3)}  ${goal}`);
}

/* ---- asking ---- */

let site, patient;
async function ask(inputs) {
  const answers = new Array(inputs.length);
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < inputs.length) {
      const i = next++;
      answers[i] = await site.infer(patient, inputs[i]);
    }
  }));
  return answers;
}
const films = (images) => images.map((image) => ({ model: 'chest', image }));
const abstained = (answers) => answers.map((a) => Number(a.abstention !== null));
// Those that were answered, with their truth.
const answered = (answers, truth) => answers.map((a, i) => [a, truth[i]]).filter(([a]) => a.findings.length).map(([a, y]) => [a.findings[0].probability, y, a.findings[0].threshold]);

/* ---- chest ---- */

const grey = ({ shape: [n, h, w], data: bytes }) => Array.from({ length: n }, (_, i) => png(w, h, (x, y) => bytes[(i * h + y) * w + x]));

async function chest() {
  const set = npz(path.join(data, 'pneumoniamnist/pneumoniamnist.npz'));
  const truth = [...set.test_labels.data];
  const answers = await ask(films(grey(set.test_images)));
  const rows = answered(answers, truth);
  console.log(`\nchest 1 on the test split of PneumoniaMNIST (children of one hospital): ${truth.length} films, ${rows.length} answered`);
  tell('chest_auc', rows, auc, 'AUC of what was answered');
  tell('chest_acc', rows, accuracy(rows[0][2]), `accuracy at the manifest's threshold, ${rows[0][2]}`);
  tell('chest_ece', rows, ece, 'calibration error');
  tell('coverage', abstained(answers).map((a) => 1 - a), mean, 'coverage: its own films that it answers');
}

const files = (folder) => readdirSync(folder).sort().map((f) => path.join(folder, f));

async function foreign() {
  const far = [];
  for (const set of ['face_lfw', 'face_groups']) {
    const folder = path.join(data, set, 'images');
    if (existsSync(folder)) far.push([`far: photographs (${set}, one in ${EVERY})`, files(folder).filter((_, i) => i % EVERY === 0).map((f) => readFileSync(f))]);
  }
  const busi = path.join(data, 'img_busi/busi_128_grey.npz');
  if (existsSync(busi)) {
    const set = npz(busi);
    far.push(['far: ultrasound (img_busi)', ['train', 'val', 'test'].flatMap((s) => grey(set[`${s}_images`]))]);
  }
  far.push(['far: noise, white and in blocks', Array.from({ length: 200 }, (_, i) => noise(i))]);
  console.log('\nchest 1 on what it was not made for: share that it abstains on');
  const all = [];
  for (const [what, images] of far) {
    const got = abstained(await ask(films(images)));
    all.push(...got);
    console.log(`  ${`${what}, ${got.length}`.padEnd(66)} ${mean(got).toFixed(3)}`);
  }
  tell('abstain_far', all, mean, `far, all ${all.length}`);
  await near();
}

function noise(i) {
  const side = i % 2 ? 28 : 196;
  const cells = Buffer.from(createHash('shake256', { outputLength: 28 * 28 }).update(`noise ${i}`).digest());
  return png(side, side, (x, y) => cells[Math.floor(y * 28 / side) * 28 + Math.floor(x * 28 / side)]);
}

async function near() {
  const split = readFileSync(path.join(root, 'training/splits/adult_films.tsv'), 'utf8').split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.split('\t'));
  const judge = split.filter(([, half]) => half === 'judge').map(([name]) => readFileSync(path.join(data, 'cxr_adult/images', name)));
  tell('abstain_near', abstained(await ask(films(judge))), mean, `near: adult films of another hospital (judging half), ${judge.length}`);
}

/* ---- heart ---- */

function heartRows() {
  const test = new Set(readFileSync(path.join(root, 'training/splits/heart.tsv'), 'utf8').split('\n').filter((l) => l.endsWith('\ttest')).map((l) => l.split('\t')[0]));
  return readFileSync(path.join(data, 'tabular/heart_cleveland.data'), 'utf8').trim().split(/\s+/).map((line) => {
    const values = line.split(',').map((v) => (v === '?' ? NaN : Number(v)));
    const bytes = Buffer.alloc(8 * COLUMNS.length);
    COLUMNS.forEach((_, i) => bytes.writeDoubleLE(values[i], 8 * i));
    return { values: values.slice(0, COLUMNS.length), truth: Number(values[13] > 0), test: test.has(createHash('sha256').update(bytes).digest('hex').slice(0, 16)) };
  }).filter((r) => r.test);
}

async function heart() {
  const rows = heartRows();
  const features = (r) => ({ features: COLUMNS.map((name, i) => ({ name, value: r.values[i] })).filter((f) => Number.isFinite(f.value)) });
  const trained = path.join(root, 'build/results/train-heart.json');
  const cv = existsSync(trained) ? JSON.parse(readFileSync(trained, 'utf8')) : {};
  console.log(`\nheart models on the test fifth of the Cleveland table: ${rows.length} rows`);
  for (const model of HEART) {
    const short = model.replace('heart_', '');
    const answers = await ask(rows.map((r) => ({ model, features: features(r) })));
    const got = answered(answers, rows.map((r) => r.truth));
    tell(`${short}_auc_test`, got, auc, `${model}: AUC of ${got.length} answered`);
    if (cv[short]) Object.assign(results, { [`${short}_auc`]: cv[short].auc_10x5, [`${short}_ece`]: cv[short].ece_10x5 });
    if (results[`${short}_auc`]) console.log(`  ${`${model}: 10 x 5-fold AUC, by training`.padEnd(66)} ${results[`${short}_auc`].toFixed(3)}  goal ${GOALS[`${short}_auc`]}`);
    else console.log(`  ${model}: no 10 x 5-fold figure here: make train-heart`);
  }
}

/* ---- all ---- */

const needed = ['pneumoniamnist/pneumoniamnist.npz', 'cxr_adult/films.tsv', 'tabular/heart_cleveland.data'].filter((f) => !existsSync(path.join(data, f)));
if (needed.length) {
  console.log(`skipped: no data (${needed.join(', ')})`);
  process.exit(0);
}
site = await Site.start();
try {
  patient = await site.patient();
  await chest();
  await foreign();
  await heart();
} finally {
  await site.stop();
}
const eces = [results.chest_ece, ...['tree', 'svm', 'mlp'].map((m) => results[`${m}_ece`])].filter((x) => x !== undefined);
results.ece_max = Math.max(...eces);
console.log(`\n  ${`largest calibration error of ${eces.length} models`.padEnd(66)} ${results.ece_max.toFixed(3)}  goal ${GOALS.ece_max}`);
for (const [name, goal] of Object.entries(GOALS)) results[`goal_${name}`] = goal;
mkdirSync('build/results', { recursive: true });
writeFileSync('build/results/eval-models.json', `${JSON.stringify(results, null, 1)}\n`);
