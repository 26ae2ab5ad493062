// npm run bench -- NAME: runs one suite, prints its table and keeps the figures in bench/results/NAME.json.
import { mkdirSync, writeFileSync } from 'node:fs';
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
writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify(figures, null, 2)}\n`);
process.exit(figures.every(({ met }) => met !== false) ? 0 : 1);
