/**
 * Stands in for `node:fs/promises` in a process that is to die, at the operation whose number is in `DIE_AT`, before it
 * is done; or in which that of the number in `FAIL_AT` fails with `FAIL_CODE`. Takes the place by esbuild's `alias`.
 */
// The real one, which the alias does not replace.
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

const [dieAt, failAt] = [Number(process.env['DIE_AT']), Number(process.env['FAIL_AT'])];
const code = process.env['FAIL_CODE'] ?? 'EIO';
let operations = 0;
function step(): void {
  operations += 1;
  if (operations === dieAt) process.kill(process.pid, 'SIGKILL');
  if (operations !== failAt) return;
  // That there was such an operation is told by the channel of the fork.
  process.send?.('failed');
  throw Object.assign(new Error(`${code}: made to fail`), { code });
}

const real = fs.promises;
const counted = <Work extends (...args: never[]) => Promise<unknown>>(work: Work): Work =>
  (async (...args: never[]) => {
    step();
    return work(...args);
  }) as unknown as Work;

export const { access, lstat, opendir, readdir, readFile, stat, statfs } = real;
export const rename = counted(real.rename);
export const unlink = counted(real.unlink);
export const link = counted(real.link);
export const rmdir = counted(real.rmdir);
export const rm = counted(real.rm);
export const mkdtemp = counted(real.mkdtemp as (prefix: string) => Promise<string>);
export async function open(...args: Parameters<typeof real.open>): Promise<FileHandle> {
  step();
  const handle = await real.open(...args);
  handle.write = counted(handle.write.bind(handle) as never);
  handle.writeFile = counted(handle.writeFile.bind(handle));
  handle.sync = counted(handle.sync.bind(handle));
  return handle;
}
