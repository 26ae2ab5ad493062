import { createHash } from 'node:crypto';
import { partialSuffix } from '../files/compress.js';
import { factsOf } from '../files/facts.js';
import { readFull, writeFull } from '../files/pack.js';
import type { OpenRoot } from '../files/root.js';
import { errorCode, unless } from '../files/system.js';
import { isNameOf, TakenOverError } from '../files/taken-over.js';

/** What has to be known of a directory's logs from one run to the next. */
export interface RotationState {
  /** When a log that is there, or of which a rotated file is, was last rotated, or first seen. Epoch ms. */
  since: Record<string, number>;
  /** Logs were renamed, and their writers may not know: of these policies. */
  untold: string[];
}

/** Where it is kept, in the directory itself. */
export const stateName = '.dotmac-log-rotation.json';
/** What 900,000 logs of the longest names take. */
const mostBytes = 256 * 1_048_576;
const checksum = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * What was kept; nothing when there is none, or when it is not whole.
 * @throws what the system says when it cannot be read at the moment: who would be forgotten is a writer that does not
 * know yet where its log went
 */
export async function readState(root: OpenRoot): Promise<RotationState & { damaged: boolean }> {
  const empty = { since: {}, untold: [] };
  const facts = await root.facts(stateName);
  if (!facts) return { ...empty, damaged: false };
  try {
    const file = await root.openFile(stateName);
    try {
      const text = (await readFull(file, Buffer.alloc(Math.min(mostBytes, facts.size)), 0)).toString();
      const line = text.indexOf('\n');
      if (checksum(text.slice(line + 1)) !== text.slice(0, line)) throw new Error('the state is not whole');
      return { ...empty, ...(JSON.parse(text.slice(line + 1)) as RotationState), damaged: false };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) !== undefined) throw error;
    return { ...empty, damaged: true };
  }
}

/**
 * Keeps it durably: there is the old state or the new one, whatever happens.
 * @throws TakenOverError when others have written theirs meanwhile, which stays
 */
export async function writeState(root: OpenRoot, { since, untold }: RotationState): Promise<void> {
  const partial = `${stateName}${partialSuffix}`;
  // What a dead process left of it was removed before the work began.
  const file = await root.create(partial, 0o600).catch(unless('EEXIST'));
  if (!file) throw new TakenOverError();
  try {
    const body = JSON.stringify({ since, untold });
    await writeFull(file, Buffer.from(`${checksum(body)}\n${body}`), 0);
    await file.sync();
    if (!(await isNameOf(root, partial, file))) throw new TakenOverError();
    await root.replace(partial, stateName);
  } catch (error) {
    await root.remove(partial, factsOf(await file.stat({ bigint: true }))).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}
