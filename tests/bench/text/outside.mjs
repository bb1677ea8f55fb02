// outside.mjs - what is found in texts of other origin than those that the dictionaries and the
// model were made from: against labels that Ward's authors gave by hand before they ran it.
import fs from 'node:fs';
import { csvOf } from './data.mjs';
import { entities } from './score.mjs';

const FILE = `${new URL('.', import.meta.url).pathname}hand_found.tsv`;
const NEW_LINE = '\u2028'; // a line a text: the program folds it to a line's end
const SETS = {
    primock57: {
        name: 'English general practice (PriMock57)',
        file: (root) => `${root}/text_primock57/notes`,
        text: (file, id) => JSON.parse(fs.readFileSync(`${file}/${id}.json`, 'utf8')).note,
    },
    toyhom: {
        name: 'Chinese patients\' questions (Toyhom)',
        file: (root) => `${root}/text_zh_toyhom/neike_sample.csv`,
        text: (file, id) => questions(file)[Number(id)].ask,
    },
};

let asked;
function questions(file) {
    asked ??= csvOf(new TextDecoder('gb18030').decode(fs.readFileSync(file)));
    return asked;
}

function labelled(set, wardData) {
    const rows = fs.readFileSync(FILE, 'utf8').split('\n').filter((l) => l && !l.startsWith('#'))
        .map((l) => l.split('\t')).filter((r) => r[0] === set);
    const file = SETS[set].file(wardData);
    return [...new Set(rows.map((r) => r[1]))].map((id) => ({
        chars: [...SETS[set].text(file, id).replace(/\t/g, ' ').replace(/\r?\n/g, NEW_LINE)],
        entities: rows.filter((r) => r[1] === id && r[4] !== '-').map(([, , start, end, kind, assertion]) => (
            { start: Number(start), end: Number(end), kind: kind.toUpperCase(), assertion })),
    }));
}

// Of the labels with an assertion that a finding of the kind overlaps: how many findings say it.
function judged(texts, found) {
    let n = 0;
    let right = 0;
    texts.forEach((t, i) => t.entities.forEach((e) => {
        const f = found[i].find((x) => x.kind === e.kind && x.start < e.end && e.start < x.end);
        if (!f || e.assertion === '-') return;
        n++;
        right += f.assertion === e.assertion;
        if (process.env.MISSES && f.assertion !== e.assertion)
            console.log(`      ${t.chars.slice(Math.max(0, e.start - 50), e.end + 20).join('')} -> ${f.assertion} not ${e.assertion}`);
    }));
    return [right, n];
}

export function outside({ wardData, extract, row, rate, model }) {
    console.log("labelled by Ward's authors in texts of other origin: small samples, one reader");
    for (const [set, { name, file }] of Object.entries(SETS)) {
        if (!fs.existsSync(file(wardData))) {
            console.log(`  skipped: no data (${set})`);
            continue;
        }
        const texts = labelled(set, wardData);
        const ways = [['rules', '', []]];
        if (model && set === 'toyhom') ways.push(["model and Ward's own terms", '_filled', model]);
        for (const [way, suffix, args] of ways) {
            const found = extract(texts, false, args).map((l) => l.filter((f) => f.kind !== 'MEASUREMENT'));
            const id = `outside_${set}${suffix}`;
            row(`${name}, ${way}, exact`, `${id}_all`, entities(texts, found));
            row(`${name}, ${way}, overlap`, `${id}_overlap`, entities(texts, found, { overlap: true }));
            if (set === 'primock57') rate(`${name}, assertion of those found`, `${id}_assertion`, ...judged(texts, found));
            if (process.env.MISSES) misses(texts, found);
        }
    }
}

function misses(texts, found) {
    const over = (a, b) => a.start < b.end && b.start < a.end;
    texts.forEach((t, i) => {
        const words = (e) => `${e.kind} ${t.chars.slice(e.start, e.end).join('')}`;
        const missed = t.entities.filter((e) => !found[i].some((f) => f.kind === e.kind && over(e, f)));
        const extra = found[i].filter((f) => !t.entities.some((e) => f.kind === e.kind && over(e, f)));
        console.log(`      missed: ${missed.map(words).join('; ')} | extra: ${extra.map(words).join('; ')}`);
    });
}
