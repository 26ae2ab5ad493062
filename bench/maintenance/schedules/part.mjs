// What ten thousand schedules cost while none of them is due.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const small = process.env.BENCH_SMALL !== undefined;
const [count, seconds] = small ? [1_000, 5] : [10_000, 60];

export async function run() {
  const script = new URL('./rest.mjs', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(count), String(seconds)]);
  const percent = 100 * JSON.parse(stdout.trim().split('\n').at(-1)).share;
  const metric = `${count} schedules at rest`;
  return [{ metric, value: percent, unit: '% of a core', peer: 'limit', ratio: percent, target: 1, met: percent < 1 }];
}
