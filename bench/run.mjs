// npm run bench -- NAME: runs one suite, prints its table and keeps the figures in bench/results/NAME.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { formatTable } from './table.mjs';

/** A suite is `() => Promise<Figure[]>`; a figure is `{ metric, value, unit, peer, ratio, target, met }`. */
const suites = {
  http: () => import('./http/suite.mjs'),
  health: () => import('./health/suite.mjs'),
  lifecycle: () => import('./lifecycle/suite.mjs'),
  maintenance: () => import('./maintenance/suite.mjs'),
};

const [name] = process.argv.slice(2);
if (!name || !(name in suites)) {
  console.error(`Usage: npm run bench -- NAME, where NAME is one of: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

const { run } = await suites[name]();
const figures = await run();
const [cpu] = cpus();
console.log(
  `\n${name}: Node ${process.version}, ${cpus().length} x ${cpu.model}, ${Math.round(totalmem() / 2 ** 30)} GiB\n`,
);
console.log(formatTable(figures));
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
const file = new URL(`${name}.json`, results);
// A run of a suite's parts leaves the figures of its others.
const measured = new Set(figures.map(({ metric }) => metric));
const others = read(file).filter(({ metric }) => !measured.has(metric));
writeFileSync(file, `${JSON.stringify([...others, ...figures], null, 2)}\n`);
process.exit(figures.every(({ met }) => met !== false) ? 0 : 1);

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}
