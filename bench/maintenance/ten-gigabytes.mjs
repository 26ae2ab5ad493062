// By hand: a log of 10 GiB is rotated, compressed and read back; then unpacked by gzip, and compared with what was written.
// Takes 13 GB of disk and some minutes. Arguments: the directory to work in (default the one for temporary files), GiB.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeLog } from './rotation/write-log.mjs';

const [parent = tmpdir(), gigabytes = '10'] = process.argv.slice(2);
const directory = mkdtempSync(join(parent, 'bench-rotation-'));
const logs = join(directory, 'logs');
mkdirSync(logs);

async function sumOf(stream) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of stream) {
    hash.update(part);
    bytes += part.length;
  }
  return { bytes, sum: hash.digest('hex') };
}

try {
  const log = join(logs, 'app.log');
  await writeLog(log, Number(gigabytes) * 2 ** 30);
  const written = await sumOf(createReadStream(log, { highWaterMark: 2 ** 20 }));
  const loadBefore = loadavg()[0];
  const { stdout } = await promisify(execFile)(process.execPath, [
    new URL('./rotation/rotate.mjs', import.meta.url).pathname,
    logs,
  ]);
  const names = readdirSync(logs).filter((name) => name.startsWith('app.log'));
  if (names.length !== 1 || !names[0].endsWith('.gz')) throw new Error(`there is ${names.join(', ')}`);
  const packed = join(logs, names[0]);
  const unpacked = await sumOf(spawn('gzip', ['-dc', packed], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout);
  if (unpacked.sum !== written.sum || unpacked.bytes !== written.bytes) throw new Error('what was unpacked differs');
  const load = { loadBefore, loadAfter: loadavg()[0] };
  console.log({ bytes: written.bytes, packedBytes: statSync(packed).size, ...JSON.parse(stdout), ...load });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
