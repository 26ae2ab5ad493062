import { isUntouched, type Facts } from './facts.js';
import { shownName } from './names.js';
import type { OpenRoot } from './root.js';
import { errorCode } from './system.js';

/** What came of one batch of a sweep, or of all of it. */
export interface Swept {
  seen: number;
  removed: number;
  /** Disk room of what was removed. */
  bytes: number;
}

/** What is to be done below a directory. */
export interface Sweep {
  /** Does a file go? Asked of regular files, and of links when `links`. The path is relative to the root. */
  goes(facts: Facts, path: string): boolean;
  /** Of files and directories: stays, with all that is in it. */
  spared(path: string): boolean;
  /** Of directories: somebody works in it, and all in it stays. */
  locked(facts: Facts): Promise<boolean>;
  /** An empty directory goes that this sweep emptied, or of which this says so. */
  emptyGoes(facts: Facts): boolean;
  /** Told of each file that was to go, and that the system refused to remove. */
  refused?(facts: Facts): void;
  /** Links go as well; never what they lead to. */
  links: boolean;
  /** False to look only. */
  remove: boolean;
  /** After every batch; false ends the sweep. */
  step(batch: Swept, sample: string[]): Promise<boolean>;
  /** How many may go in the next batch. */
  most(): number;
  signal: AbortSignal;
}

/** What was found amiss on the way. */
export interface SweepOutcome {
  /** All of it was looked at. */
  complete: boolean;
  directoriesRemoved: number;
  /** Not entered: locked, of another mount, too deep, or not to be read. */
  directoriesLeft: number;
  /** Not looked at, or not removed, because the system refused that one alone. */
  filesLeft: number;
}

const [deepest, batchSize] = [64, 64];

interface Item {
  name: string;
  path: string;
  facts: Facts;
}

/**
 * Goes through all that lies below a directory, a batch at a time, so that millions of files take no room. Links are
 * not followed, other devices and mounts not entered; files of several names stay, and so does what has the sticky bit.
 */
export async function sweep(root: OpenRoot, job: Sweep): Promise<SweepOutcome> {
  const outcome: SweepOutcome = { complete: true, directoriesRemoved: 0, directoriesLeft: 0, filesLeft: 0 };
  await sweepDirectory(root, job, outcome, '', 0);
  return outcome;
}

/** @returns whether anything was removed from it */
async function sweepDirectory(
  root: OpenRoot,
  job: Sweep,
  outcome: SweepOutcome,
  path: string,
  depth: number,
): Promise<boolean> {
  let removedAny = false;
  for await (const batch of batches(root, outcome, path)) {
    job.signal.throwIfAborted();
    const here = batch.filter((it) => !job.spared(it.path));
    const files = here.filter(
      ({ facts }) => (root.isPlain(facts) && !isSticky(facts)) || (job.links && facts.kind === 'link'),
    );
    const going = files.filter(({ facts, path: at }) => job.goes(facts, at)).slice(0, Math.max(0, job.most()));
    const { gone, fault } = job.remove ? await removed(root, job, outcome, going) : { gone: going, fault: undefined };
    removedAny ||= gone.length > 0;
    const bytes = gone.reduce((sum, { facts }) => sum + facts.diskBytes, 0);
    const sample = gone.slice(0, 10).map((it) => shownName(it.path));
    outcome.complete = await job.step({ seen: files.length, removed: gone.length, bytes }, sample);
    if (fault !== undefined) throw fault;
    for (const item of here) {
      if (!outcome.complete) return removedAny;
      if (item.facts.kind === 'directory' && (await enter(root, job, outcome, item, depth))) removedAny = true;
    }
  }
  return removedAny;
}

/** What a refusal of one file alone looks like: others may go all the same, as with systemd-tmpfiles. */
const refusals = ['EACCES', 'EPERM', 'EBUSY'];

/**
 * Removes files that nobody used since they were looked at; those that are gone, and a fault that is not theirs alone. One by
 * one, so that who is held up on the way has one at most that it may be mistaken in.
 */
async function removed(
  root: OpenRoot,
  job: Sweep,
  outcome: SweepOutcome,
  items: readonly Item[],
): Promise<{ gone: Item[]; fault?: unknown }> {
  const gone: Item[] = [];
  for (const item of items) {
    try {
      if (await root.remove(item.name, item.facts, isUntouched)) gone.push(item);
    } catch (error) {
      if (!refusals.includes(errorCode(error) ?? '')) return { gone, fault: error };
      outcome.filesLeft += 1;
      job.refused?.(item.facts);
    }
  }
  return { gone };
}

const isSticky = ({ mode }: Facts): boolean => (mode & 0o1000) !== 0;

async function* batches(root: OpenRoot, outcome: SweepOutcome, path: string): AsyncGenerator<Item[]> {
  let names: string[] = [];
  const looked = async (): Promise<Item[]> =>
    (
      await Promise.all(
        names.map(async (name) => {
          const facts = await root.facts(name).catch((error: unknown) => {
            if (!refusals.includes(errorCode(error) ?? '')) throw error;
            outcome.filesLeft += 1;
            return null;
          });
          return facts ? [{ name, path: path === '' ? name : `${path}/${name}`, facts }] : [];
        }),
      )
    ).flat();
  for await (const name of root.names())
    if (names.push(name) === batchSize) {
      yield await looked();
      names = [];
    }
  if (names.length > 0) yield await looked();
}

/** @returns whether the directory itself was removed */
async function enter(
  root: OpenRoot,
  job: Sweep,
  outcome: SweepOutcome,
  { name, path, facts }: Item,
  depth: number,
): Promise<boolean> {
  const inner = depth < deepest && !(await job.locked(facts)) ? await root.openDirectory(name) : null;
  if (!inner) {
    outcome.directoriesLeft += 1;
    return false;
  }
  let emptied: boolean;
  try {
    emptied = await sweepDirectory(inner, job, outcome, path, depth + 1);
  } finally {
    await inner.close();
  }
  if (!job.remove || isSticky(facts) || !(emptied || job.emptyGoes(facts))) return false;
  // Fails on a directory that still has something in it, and that is right.
  const gone = await root.removeDirectory(name, facts).catch(() => false);
  if (gone) outcome.directoriesRemoved += 1;
  return gone;
}
