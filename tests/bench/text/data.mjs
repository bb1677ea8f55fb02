// data.mjs - the labelled text that the extraction is measured on.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

const KINDS = {
    disease: 'DISEASE', symptom: 'SYMPTOM', drug: 'DRUG',
    疾病和诊断: 'DISEASE', 症状: 'SYMPTOM', 药物: 'DRUG',
};

function spans(labels, begin, inside) {
    const out = [];
    for (let i = 0; i < labels.length; ) {
        const kind = begin(labels[i]);
        let j = i + 1;
        if (kind !== null) {
            while (j < labels.length && inside(labels[j], kind)) j++;
            out.push({ start: i, end: j, kind });
        }
        i = j;
    }
    return out;
}

// A character a line with its label, an empty line between texts. Labels of other kinds (body
// parts, operations) are left out: the extraction does not look for them.
export function bio(file) {
    const out = [];
    for (const block of fs.readFileSync(file, 'utf8').split('\n\n')) {
        const chars = [];
        const labels = [];
        for (const line of block.split('\n').filter((l) => l !== '')) {
            const at = line.lastIndexOf(' ');
            const c = [...line.slice(0, Math.max(at, 0))];
            chars.push(c.length === 1 && c[0] >= ' ' ? c[0] : ' ');
            labels.push(line.slice(at + 1));
        }
        if (chars.length === 0) continue;
        const all = spans(
            labels,
            (l) => (l.startsWith('B_') ? l.slice(2) : null),
            (l, kind) => l === `I_${kind}`,
        );
        const entities = all.filter((e) => KINDS[e.kind]).map((e) => ({ ...e, kind: KINDS[e.kind] }));
        out.push({ chars, entities });
    }
    return out;
}

// CMDD: turns of dialogues, symptoms labelled 1 (has it), 2 (has it not), 3 (not certain).
export function cmdd(archive, split) {
    const names = execFileSync('tar', ['-tJf', archive], { encoding: 'utf8', maxBuffer: 1 << 26 });
    if (!names.includes(`/${split}/`)) throw new Error(`no ${split} in ${archive}`);
    const text = execFileSync('tar', ['-xJOf', archive, '--wildcards', `*/${split}/*.json`], {
        encoding: 'utf8', maxBuffer: 1 << 28,
    });
    const out = [];
    for (const one of text.split(/(?<=\})\s*(?=\{\s*"data-split")/)) {
        for (const turn of JSON.parse(one)['dialogue-content']) {
            const chars = [...turn.sentence];
            const entities = spans(
                [...turn.label],
                (l) => (l === 'B' ? 'SYMPTOM' : null),
                (l) => l === 'I',
            ).map((e, i) => ({ ...e, type: turn.type[i] }));
            if (entities.length > 0 && chars.length === [...turn.label].length)
                out.push({ chars, entities, speaker: turn.speaker });
        }
    }
    return out;
}

// The rows of a CSV file with quoted fields that hold line ends.
export const csv = (file) => csvOf(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));

export function csvOf(text) {
    const rows = [];
    let row = [];
    for (const m of text.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/g)) {
        row.push(m[1].startsWith('"') ? m[1].slice(1, -1).replaceAll('""', '"') : m[1]);
        if (m[2] !== ',') {
            if (row.length > 1) rows.push(row);
            row = [];
        }
        if (m[2] === '' && m[1] === '') break;
    }
    const [head, ...rest] = rows;
    return rest.map((r) => Object.fromEntries(head.map((h, i) => [h, r[i]])));
}
