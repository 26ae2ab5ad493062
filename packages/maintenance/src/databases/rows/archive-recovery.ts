import { createHash } from 'node:crypto';
import type { OpenRoot } from '../../files/root.js';
import { unless } from '../../files/system.js';
import { keysOf, partial, publish, type PendingRows } from './archive-file.js';
import { membersOf, type Member } from './archive-member.js';

/** What became of rows that were written to an archive. */
export type Fate =
  /** They are gone from the table, and stay in the archive. */
  | 'deleted'
  /** They are in the table as they were, and go from the archive. */
  | 'standing'
  /** Some are and some are not: somebody else was at them. They stay in the archive, perhaps doubled. */
  | 'unclear';

/** An archive of a dead process. */
export interface Recovered {
  name: string;
  /** Lines that stayed; without any there is no file. */
  lines: number;
  /** Of what was written last; null when it is known that all of it belongs there. */
  fate: Fate | null;
}

const copied = '.copy';
const suffix = '.ndjson.gz';

/**
 * Finishes archives that a killed process left: a torn end, whose rows were not deleted, stays behind, and so does what was
 * whole and not deleted yet. They are copied for that: a process that was only stopped, and wakes, writes into a file that nobody
 * has any more.
 * @param fateOf asked of what was written last
 */
export async function recoverArchives(
  root: OpenRoot,
  prefix: string,
  fateOf: (pending: PendingRows) => Promise<Fate>,
): Promise<Recovered[]> {
  const left: string[] = [];
  for await (const name of root.names()) if (name.startsWith(prefix)) left.push(name);
  for (const name of left.filter((it) => it.endsWith(suffix + copied))) await root.unlink(name);
  const recovered: Recovered[] = [];
  for (const found of left.filter((it) => it.endsWith(suffix + partial)).sort()) {
    const facts = await root.facts(found);
    if (facts && root.isPlain(facts)) recovered.push(await recover(root, found.slice(0, -partial.length), fateOf));
  }
  // Of archives that were finished, but for this.
  for (const name of left.filter((it) => it.endsWith(keysOf(suffix)))) await root.unlink(name).catch(unless('ENOENT'));
  return recovered;
}

async function recover(
  root: OpenRoot,
  name: string,
  fateOf: (pending: PendingRows) => Promise<Fate>,
): Promise<Recovered> {
  const hash = createHash('sha256');
  const keys = await readKeys(root, name);
  const copy = await root.create(name + copied, 0o600);
  let [lines, fate]: [number, Fate | null] = [0, null];
  try {
    const file = await root.openFile(name + partial);
    try {
      for await (const member of membersOf(file)) {
        if (member.at === keys?.at) fate = await fateOf({ ...keys, lines: linesOf(member) });
        if (member.at === keys?.at && fate === 'standing') break;
        await copy.writeFile(member.bytes);
        hash.update(member.bytes);
        lines += linesOf(member).length;
      }
    } finally {
      await file.close();
    }
    await copy.sync();
  } finally {
    await copy.close();
  }
  if (lines > 0) await publish(root, name, name + copied, hash.digest('hex'));
  else await root.unlink(name + copied);
  await root.unlink(name + partial);
  return { name, lines, fate };
}

const linesOf = ({ text }: Member): string[] => text.split('\n').slice(0, -1);

/** Null when they were not written to the end: then no line of theirs was. */
async function readKeys(root: OpenRoot, name: string) {
  const file = await root.openFile(keysOf(name)).catch(unless('ENOENT'));
  if (!file) return null;
  try {
    for await (const { text } of membersOf(file))
      return JSON.parse(text) as Omit<PendingRows, 'lines'> & { at: number };
    return null;
  } finally {
    await file.close();
  }
}
