// eval_text.mjs - the text extraction on labelled text that nobody here wrote, beside lexicons.
//   node tests/bench/eval_text.mjs EVAL_TEXT DATA_DIR WARD_DATA OUT.json SPLIT MODEL_DIR PLUGINS_DIR
// Prints a table and writes OUT.json with one number a name.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { bio, cmdd } from './text/data.mjs';
import { byHand } from './text/hand.mjs';
import { outside } from './text/outside.mjs';
import { entities, share } from './text/score.mjs';

const [program, dataDir, wardData, out, split, ...model] = process.argv.slice(2);
const set = `${wardData}/text_zh_chineseblue`;
const figures = {};

// The extraction on texts: for each the list of its findings. Where marks are given they are judged.
function extract(texts, given = false, args = []) {
    const lines = texts.map((t) => {
        const marks = given ? t.entities.map((e) => `symptom:${e.start}-${e.end}`).join(',') : '-';
        return `${t.language ?? 'auto'}\t${marks}\t${t.chars.join('').replace(/[\t\n]/g, ' ')}\n`;
    });
    const run = spawnSync(program, [dataDir, ...args], { input: lines.join(''), maxBuffer: 1 << 28 });
    if (run.status !== 0) throw new Error(`eval_text: ${run.stderr}`);
    const found = texts.map(() => []);
    for (const line of run.stdout.toString().split('\n').slice(0, -1)) {
        const [i, kind, start, end, assertion, temporality, experiencer, ...rest] = line.split('\t');
        const finding = { kind, start: Number(start), end: Number(end), assertion, temporality, experiencer };
        found[Number(i)].push({ ...finding, maker: rest[5] });
    }
    return found;
}

// The longest word of a lexicon (word -> kind) at each place, left to right: the peer.
function longest(texts, lexicon) {
    const top = Math.max(...[...lexicon.keys()].map((w) => [...w].length));
    return texts.map(({ chars }) => {
        const found = [];
        for (let i = 0; i < chars.length; ) {
            let n = Math.min(top, chars.length - i);
            while (n > 0 && !lexicon.has(chars.slice(i, i + n).join('').toLowerCase())) n--;
            const kind = n ? lexicon.get(chars.slice(i, i + n).join('').toLowerCase()) : 'NONE';
            if (kind !== 'NONE') found.push({ start: i, end: i + n, kind });
            i += Math.max(n, 1);
        }
        return found;
    });
}

// What the train splits label, by the kind most often given: a dictionary without our choosing.
function trainLexicon() {
    const counts = new Map();
    for (const d of ['cMedQANER', 'cEHRNER'])
        for (const t of bio(`${set}/${d}/train.txt`))
            for (const e of t.entities) {
                const w = t.chars.slice(e.start, e.end).join('').toLowerCase();
                const c = counts.get(w) ?? {};
                c[e.kind] = (c[e.kind] ?? 0) + 1;
                counts.set(w, c);
            }
    return new Map([...counts].map(([w, c]) => [w, Object.entries(c).sort((a, b) => b[1] - a[1])[0][0]]));
}

function thuocl() {
    const text = fs.readFileSync(`${wardData}/text_zh_lexicon/THUOCL_medical.txt`, 'utf8');
    return new Map(text.split('\n').filter(Boolean).map((l) => [l.split('\t')[0].trim(), 'ANY']));
}

const pct = (v) => (100 * v).toFixed(1).padStart(5);
function row(name, what, r) {
    const [lo, hi] = r.interval;
    console.log(`  ${name.padEnd(46)} ${pct(r.precision)} ${pct(r.recall)} ${pct(r.f1)}  (${pct(lo)} to ${pct(hi)})  ${r.gold} gold`);
    for (const k of ['precision', 'recall', 'f1']) figures[`${what}_${k}`] = Number(r[k].toFixed(4));
    figures[`${what}_f1_low`] = Number(lo.toFixed(4));
    figures[`${what}_f1_high`] = Number(hi.toFixed(4));
    figures[`${what}_gold`] = r.gold;
}
function rate(name, what, right, n) {
    const r = share(right, n);
    console.log(`  ${name.padEnd(60)} ${pct(r.value)}  (${pct(r.interval[0])} to ${pct(r.interval[1])})  ${right} of ${n}`);
    figures[what] = Number(r.value.toFixed(4));
    figures[`${what}_low`] = Number(r.interval[0].toFixed(4));
    figures[`${what}_high`] = Number(r.interval[1].toFixed(4));
    figures[`${what}_n`] = n;
}

const withModel = model.length === 2 && fs.existsSync(`${model[0]}/model.onnx`);

// Recall (exact span and kind) of the words that the train splits label somewhere, and of those
// that they never do: new words.
function unseen(texts, words, found, what, way) {
    const n = { seen: [0, 0], new: [0, 0] };
    texts.forEach((t, i) => t.entities.forEach((e) => {
        const at = words.has(t.chars.slice(e.start, e.end).join('').toLowerCase()) ? n.seen : n.new;
        at[0] += found[i].some((f) => f.start === e.start && f.end === e.end && f.kind === e.kind);
        at[1]++;
    }));
    rate(`${way}, recall of words that the train splits label`, `${what}_recall_seen`, ...n.seen);
    rate(`${way}, recall of words that they never label`, `${what}_recall_new`, ...n.new);
}

function named() {
    const words = trainLexicon();
    const lexicon = thuocl();
    for (const d of ['cMedQANER', 'cEHRNER']) {
        const texts = bio(`${set}/${d}/${split}.txt`);
        const named = (l) => l.filter((f) => f.kind !== 'MEASUREMENT');
        const ours = extract(texts).map(named);
        const id = d.toLowerCase();
        console.log(`${d} ${split}, ${texts.length} texts${' '.repeat(24)} prec. recall   F1   95 %`);
        const report = (name, what, found) => {
            for (const kind of ['DISEASE', 'SYMPTOM', 'DRUG'])
                row(`${name}, ${kind.toLowerCase()}, exact span`, `${what}_${kind.toLowerCase()}`, entities(texts, found, { kind }));
            row(`${name}, all, exact span and kind`, `${what}_all`, entities(texts, found));
            row(`${name}, all, spans that overlap`, `${what}_overlap`, entities(texts, found, { overlap: true }));
        };
        report('rules', id, ours);
        if (withModel) {
            const both = extract(texts, false, model).map(named);
            report('model', `${id}_model`, both.map((l) => l.filter((f) => f.maker !== 'rules')));
            report("model and Ward's own terms", `${id}_filled`, both);
        }
        unseen(texts, words, ours, `${id}`, 'rules');
        if (withModel) unseen(texts, words, extract(texts, false, model).map(named), `${id}_filled`, "model and Ward's own terms");
        row('peer: longest word of the train labels', `${id}_peer_train`, entities(texts, longest(texts, words)));
        row('rules, all, exact span, any kind', `${id}_anykind`, entities(texts, ours, { typed: false }));
        row('peer: longest word of THUOCL, any kind', `${id}_peer_thuocl`, entities(texts, longest(texts, lexicon), { typed: false }));
    }
}

const TYPE = { 1: 'AFFIRMED', 2: 'NEGATED', 3: 'UNCERTAIN' };
// The peer: a negation word in the five characters before, in the same clause; nothing else.
function naive(t, e) {
    const before = t.chars.slice(Math.max(0, e.start - 5), e.start).join('').split(/[,，。；？!]/).at(-1);
    return /[无没未不否]/.test(before) ? 'NEGATED' : 'AFFIRMED';
}

// Labels that begin with their own negation ("不吐") are given without it: what negates is not a
// part of what is negated. Words that are symptoms as they are ("不舒服") stay.
function bare(t) {
    const inner = (e) =>
        e.end - e.start > 1 && /[不没无]/.test(t.chars[e.start]) && !/[舒适消力良振佳香安好精食]/.test(t.chars[e.start + 1]);
    return { ...t, entities: t.entities.map((e) => (inner(e) ? { ...e, start: e.start + 1 } : e)) };
}

function judged() {
    const turns = cmdd(`${set}/CMDD.tar.xz`, split).map(bare);
    const found = extract(turns, true);
    console.log(`CMDD ${split}: symptom has it / has it not / not certain, spans given`);
    for (const [who, speaker, id] of [['what patients say', '患者', 'patients'], ['what doctors say and ask', '医生', 'doctors']]) {
        const n = { all: 0, right: 0, naive: 0, major: 0 };
        const by = {};
        turns.forEach((t, i) => {
            if (t.speaker !== speaker) return;
            for (const e of t.entities) {
                const want = TYPE[e.type];
                const f = found[i].find((x) => x.start === e.start && x.end === e.end);
                if (!want || !f) continue;
                n.all++;
                n.right += f.assertion === want;
                n.naive += naive(t, e) === want;
                n.major += want === 'AFFIRMED';
                by[want] ??= { said: 0, right: 0, wanted: 0 };
                by[f.assertion] ??= { said: 0, right: 0, wanted: 0 };
                by[want].wanted++;
                by[f.assertion].said++;
                by[want].right += f.assertion === want;
            }
        });
        rate(`${who}: ward`, `cmdd_${id}_accuracy`, n.right, n.all);
        rate(`${who}: peer, a negation word just before`, `cmdd_${id}_peer_naive`, n.naive, n.all);
        rate(`${who}: peer, always "has it"`, `cmdd_${id}_peer_majority`, n.major, n.all);
        for (const [k, v] of Object.entries(by))
            console.log(`      ${k.padEnd(10)} precision ${pct(v.right / v.said)}  recall ${pct(v.right / v.wanted)}  ${v.wanted} gold`);
    }
}

if (!fs.existsSync(`${set}/cMedQANER/${split}.txt`)) {
    console.log(`skipped: no data (no text_zh_chineseblue in WARD_DATA, ${wardData})`);
    process.exit(0);
}
named();
judged();
byHand({ wardData, split, extract, rate });
if (split === 'test') outside({ wardData, extract, row, rate, model: withModel ? model : null });
fs.writeFileSync(out, JSON.stringify(figures, null, 2) + '\n');
