// A log is rotated and compressed, beside `gzip -6` on the same text.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeLog } from './write-log.mjs';

const run_ = promisify(execFile);
const small = process.env.BENCH_SMALL !== undefined;
const bytes = small ? 64 * 2 ** 20 : 2 ** 30;
const rounds = small ? 1 : 3;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function inDirectory(log, work) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-rotation-'));
  try {
    const logs = join(directory, 'logs');
    mkdirSync(logs);
    copyFileSync(log, join(logs, 'app.log'));
    return await work(logs);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const ours = (log) =>
  inDirectory(log, async (logs) => {
    const script = new URL('./rotate.mjs', import.meta.url).pathname;
    const { stdout } = await run_(process.execPath, [script, logs]);
    const [packed] = readdirSync(logs).filter((name) => name.endsWith('.gz'));
    await run_('gzip', ['-t', join(logs, packed)]);
    return JSON.parse(stdout);
  });
const gzip = (log) =>
  inDirectory(log, async (logs) => {
    const startedAt = performance.now();
    await run_('gzip', ['-6', join(logs, 'app.log')]);
    return (performance.now() - startedAt) / 1_000;
  });

export async function run() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-log-'));
  try {
    const log = join(directory, 'app.log');
    await writeLog(log, bytes);
    const [mine, theirs] = [[], []];
    for (let round = 0; round < rounds; round++) {
      theirs.push(await gzip(log));
      mine.push(await ours(log));
    }
    const of = (name) => median(mine.map((it) => it[name]));
    const peer = median(theirs);
    const size = `${bytes / 2 ** 20} MiB`;
    const limit = (metric, value, unit, target) => {
      return { metric, value, unit, peer: 'limit', ratio: value / target, target, met: value <= target };
    };
    return [
      {
        metric: `rotation of ${size}, compressed and read back`,
        value: of('seconds'),
        unit: 's',
        peer: `gzip -6: ${peer.toFixed(1)} s`,
        ratio: of('seconds') / peer,
        target: 0.7,
        met: of('seconds') / peer <= 0.7,
      },
      limit(`rotation of ${size}: resident memory`, of('rssMb'), 'MB', 150),
      limit(`rotation of ${size}: event-loop delay p99`, of('delayP99Ms'), 'ms', 20),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
