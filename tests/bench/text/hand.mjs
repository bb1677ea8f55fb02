// hand.mjs - what the words around say of a finding, against labels that Ward's authors gave by
// hand: a small sample, by one reader, because there is no public text with such labels.
import fs from 'node:fs';
import { bio, csv } from './data.mjs';

const HERE = new URL('.', import.meta.url).pathname;

function labels(file) {
    return fs.readFileSync(HERE + file, 'utf8').split('\n').filter((l) => l && !l.startsWith('#'))
        .map((l) => {
            const [note, start, end, assertion, temporality, experiencer] = l.split('\t');
            return { note, start: Number(start), end: Number(end), kind: 'SYMPTOM', assertion, temporality, experiencer };
        });
}

// The extraction's judgement of each label, in the note it belongs to.
function judge(rows, chars, extract) {
    const texts = rows.map((r) => ({ chars: chars.get(r.note), entities: [r] }));
    const found = extract(texts, true);
    return rows.map((r, i) => [r, found[i].find((f) => f.start === r.start && f.end === r.end)]);
}

function naive(chars, row, words) {
    const before = chars.slice(Math.max(0, row.start - 30), row.start).join('').split(words.ends).at(-1);
    return words.cue.test(before) ? 'NEGATED' : 'AFFIRMED';
}

const WORDS = {
    en: { ends: /[.;]/, cue: /\b(no|not|denies|denied|without|negative)\b/i },
    zh: { ends: /[,，。；;]/, cue: /[无未没不]|否认/ },
};

function report(name, id, pairs, chars, words, axes, rate) {
    for (const axis of axes) {
        const right = pairs.filter(([r, f]) => f && f[axis] === r[axis]).length;
        rate(`${name}, ${axis}: ward`, `hand_${id}_${axis}`, right, pairs.length);
    }
    const plain = pairs.filter(([r]) => naive(chars.get(r.note), r, words) === r.assertion).length;
    rate(`${name}, assertion: peer, a negation word before`, `hand_${id}_peer_naive`, plain, pairs.length);
    const rest = pairs.filter(([r]) => r.assertion === 'AFFIRMED').length;
    rate(`${name}, assertion: peer, always affirmed`, `hand_${id}_peer_majority`, rest, pairs.length);
    for (const [r, f] of process.env.MISSES ? pairs : [])
        if (!f || axes.some((a) => f[a] !== r[a]))
            console.log(`      ${chars.get(r.note).slice(Math.max(0, r.start - 60), r.end + 30).join('')} -> ${f && axes.map((a) => f[a])} not ${axes.map((a) => r[a])}`);
}

const MTS = {
    dev: ['MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv', 'hand_en_dev.tsv'],
    test: ['MTS-Dialog-TestSet-2-MEDIQA-Sum-2023.csv', 'hand_en.tsv'],
};

export function byHand({ wardData, split, extract, rate }) {
    const [file, sample] = MTS[split] ?? MTS.dev;
    const mts = `${wardData}/text_mtsdialog/${file}`;
    console.log(`labelled by Ward's authors: small samples, one reader${split === 'test' ? '' : '; the English one served to correct the cues'}`);
    if (fs.existsSync(mts)) {
        const chars = new Map(csv(mts).map((r) => [r.ID, [...r.section_text.replace(/[\t\r\n]/g, ' ')]]));
        const pairs = judge(labels(sample), chars, extract);
        report('English (MTS-Dialog)', 'en', pairs, chars, WORDS.en, ['assertion', 'temporality', 'experiencer'], rate);
    } else console.log('  skipped: no data (text_mtsdialog)');
    if (split !== 'test') return; // the Chinese sample is of test notes
    const notes = bio(`${wardData}/text_zh_chineseblue/cEHRNER/test.txt`);
    const chars = new Map(notes.map((t, i) => [String(i), t.chars]));
    const pairs = judge(labels('hand_zh.tsv'), chars, extract);
    report('Chinese (cEHRNER)', 'zh', pairs, chars, WORDS.zh, ['assertion'], rate);
}
