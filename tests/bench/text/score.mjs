// score.mjs - precision, recall and F1 of spans, accuracy of labels, with 95 % intervals.

// Of one text: how many predicted spans are right, how many there are, how many gold ones.
// `typed`: the kind must be the same. `overlap`: any shared character is enough, one to one.
function count(predicted, gold, typed, overlap) {
    const left = [...gold];
    let right = 0;
    for (const p of predicted) {
        const at = left.findIndex(
            (g) =>
                (!typed || g.kind === p.kind) &&
                (overlap ? g.start < p.end && p.start < g.end : g.start === p.start && g.end === p.end),
        );
        if (at >= 0) {
            right++;
            left.splice(at, 1);
        }
    }
    return [right, predicted.length, gold.length];
}

const f1 = ([right, predicted, gold]) => {
    const precision = predicted ? right / predicted : 0;
    const recall = gold ? right / gold : 0;
    return { precision, recall, f1: right ? (2 * precision * recall) / (precision + recall) : 0 };
};

// A small generator with a seed, so that an interval is the same each time.
function random(seed) {
    let s = seed;
    return () => {
        s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
        return s / 2 ** 32;
    };
}

// F1's 95 % interval: 1,000 samples of the texts, with replacement.
function bootstrap(counts) {
    const next = random(1);
    const values = [];
    for (let k = 0; k < 1000; k++) {
        const sum = [0, 0, 0];
        for (let i = 0; i < counts.length; i++) {
            const c = counts[Math.floor(next() * counts.length)];
            for (let j = 0; j < 3; j++) sum[j] += c[j];
        }
        values.push(f1(sum).f1);
    }
    values.sort((a, b) => a - b);
    return [values[25], values[974]];
}

export function entities(texts, predicted, { kind, typed = true, overlap = false } = {}) {
    const keep = (list) => (kind ? list.filter((e) => e.kind === kind) : list);
    const counts = texts.map((t, i) => count(keep(predicted[i]), keep(t.entities), typed, overlap));
    const sum = counts.reduce((a, c) => a.map((v, j) => v + c[j]), [0, 0, 0]);
    return { ...f1(sum), interval: bootstrap(counts), right: sum[0], predicted: sum[1], gold: sum[2] };
}

// Wilson's 95 % interval of a share.
export function share(right, n) {
    if (n === 0) return { value: 0, interval: [0, 1], right, n };
    const z = 1.96;
    const p = right / n;
    const mid = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
    const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
    return { value: p, interval: [mid - half, mid + half], right, n };
}
