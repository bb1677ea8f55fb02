// eval_face.mjs - runs eval_face for each pack and writes build/results/eval-face.json: the first
// pack's figures by their names, the others' with their pack's name before.
//   node tests/bench/eval_face.mjs BUILD MODELS LFW PEOPLE.tsv [PACK]     without PACK: every pack
// Then eval_groups.mjs for each, where there are embeddings of face_groups in BUILD/eval.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const [build, models, lfw, people, only] = process.argv.slice(2);
const packs = only ? [only] : ['faceplugin', 'clear'];
const results = 'build/results';
const figures = {};
let failed = 0;

function add(pack, file) {
    if (!fs.existsSync(file)) return;
    const prefix = pack === packs[0] ? '' : `${pack}_`;
    for (const [name, value] of Object.entries(JSON.parse(fs.readFileSync(file)))) {
        const goal = name.startsWith('goal_');
        figures[goal ? `goal_${prefix}${name.slice(5)}` : prefix + name] = value;
    }
}

fs.mkdirSync(results, { recursive: true });
for (const pack of packs) {
    const out = `${results}/eval-face-${pack}.json`;
    fs.rmSync(out, { force: true });
    const { status } = spawnSync(
        `${build}/bench/eval_face`,
        [pack, lfw, models, `${build}/plugins`, `models/${pack}/calibration.json`, out],
        { stdio: 'inherit' },
    );
    failed ||= status ?? 1;
    add(pack, out);
    const groups = `${results}/eval-groups-${pack}.json`;
    fs.rmSync(groups, { force: true });
    if (!fs.existsSync(people)) continue;
    failed = spawnSync('node', ['tests/bench/eval_groups.mjs', `${build}/eval`, people, pack, `models/${pack}/calibration.json`, groups], { stdio: 'inherit' }).status || failed;
    add(pack, groups);
}
fs.writeFileSync(`${results}/eval-face.json`, JSON.stringify(figures, null, 2) + '\n');
process.exit(failed);
