import type { FileHandle } from 'node:fs/promises';
import { dress } from '../files/compress.js';
import { factsOf } from '../files/facts.js';
import { readFull, writeFull } from '../files/pack.js';
import type { OpenRoot } from '../files/root.js';
import { noRelief, type Relief } from '../files/steps.js';
import { unless } from '../files/system.js';
import { isNameOf, TakenOverError } from '../files/taken-over.js';

/** Ends a copy whose original may be emptied already: it is never just removed. */
export const copySuffix = '.copying';
const chunkBytes = 1_048_576;

/**
 * Copies a log and empties it. The copy is on the disk before the original is emptied; what its writer adds between the
 * last read and that is lost. Holes stay holes.
 * @throws TakenOverError when others have taken the copy for that of a dead process: the log is as they left it
 */
export async function copyThenTruncate(
  root: OpenRoot,
  log: string,
  name: string,
  { signal, relief }: { signal: AbortSignal; relief: Relief },
): Promise<void> {
  const copying = `${name}${copySuffix}`;
  const source = await root.openFile(log, 'change');
  try {
    const before = await source.stat({ bigint: true });
    const target = await root.create(copying, 0o600);
    const discard = async (): Promise<boolean> => root.remove(copying, factsOf(await target.stat({ bigint: true })));
    let emptied = false;
    try {
      let copied = await copyFrom(source, target, 0, signal, relief);
      await dress(target, before);
      await target.sync();
      await root.sync();
      // What came meanwhile, without a pause: the less there is to copy, the less gets lost.
      copied = await copyFrom(source, target, copied, signal);
      await target.truncate(copied);
      if (!(await isNameOf(root, copying, target))) throw new TakenOverError();
      emptied = true;
      await source.truncate(0);
      await target.sync();
    } catch (error) {
      if (!emptied) await discard().catch(() => undefined);
      throw error;
    } finally {
      await target.close();
    }
    await root.move(copying, name);
  } finally {
    await source.close();
  }
}

/** @returns where the source ended */
async function copyFrom(
  source: FileHandle,
  target: FileHandle,
  from: number,
  signal: AbortSignal,
  relief = noRelief,
): Promise<number> {
  const length = Math.min(chunkBytes, (await source.stat()).size + 1);
  const buffer = Buffer.allocUnsafe(length);
  const zeros = Buffer.alloc(length);
  for (let position = from; ;) {
    await relief();
    signal.throwIfAborted();
    const chunk = await readFull(source, buffer, position);
    if (chunk.length === 0) return position;
    if (!chunk.equals(zeros)) await writeFull(target, chunk, position);
    position += chunk.length;
    if (chunk.length < length) return position;
  }
}

/** Whether a log still begins with all that a copy of it holds: then it was not emptied. */
export async function isStillIn(root: OpenRoot, log: string, copying: string): Promise<boolean> {
  const copy = await root.openFile(copying);
  try {
    const source = await root.openFile(log).catch(unless('ENOENT'));
    return source !== undefined && (await beginsWith(source, copy).finally(() => source.close()));
  } finally {
    await copy.close();
  }
}

async function beginsWith(source: FileHandle, copy: FileHandle): Promise<boolean> {
  const { size } = await copy.stat();
  if ((await source.stat()).size < size) return false;
  for (let position = 0; position < size;) {
    const [one, other] = await Promise.all(
      [copy, source].map((file) => readFull(file, Buffer.allocUnsafe(Math.min(chunkBytes, size - position)), position)),
    );
    if (!one?.equals(other ?? Buffer.alloc(0))) return false;
    position += one.length;
  }
  return true;
}
