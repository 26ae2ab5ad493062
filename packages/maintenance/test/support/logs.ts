import { existsSync } from 'node:fs';
import { chmod, mkdtemp, mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { silentLogger, systemClock } from '@dotmac/core';
import type { FileSystem } from '../../src/files/system.js';
import { openRoot } from '../../src/files/root.js';
import type { Steps } from '../../src/files/steps.js';
import { forecastRotation, type RotationForecast } from '../../src/logs/orders.js';
import { rotateLogs } from '../../src/logs/rotate-logs.js';
import { rotationOrders } from '../../src/logs/rotation-orders.js';
import type { RotationCounts, RotationFault } from '../../src/logs/rotation-work.js';
import { checkLog } from '../../src/policies/check-log.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';

export const day = 86_400_000;

/** A directory for logs of a test's own. */
export interface LogFolder {
  directory: string;
  at(name: string): string;
  /** Writes a log that was last written so many days before `now`. */
  write(name: string, content: string | Buffer, ageDays?: number): Promise<void>;
  read(name: string): Promise<string>;
  /** The names in it, sorted, without the state. */
  names(): Promise<string[]>;
  /** All lines of all files, unpacked, the oldest file first as far as names tell. */
  lines(): Promise<string[]>;
  remove(): Promise<void>;
}

/** Where nothing waits for a disk: what is flushed there is not the matter of most tests. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export async function logFolder(now = Date.now(), parent = memory): Promise<LogFolder> {
  const outer = await mkdtemp(join(parent, 'dotmac-logs-'));
  const directory = join(outer, 'logs');
  await mkdir(directory, { mode: 0o755 });
  const at = (name: string): string => join(directory, name);
  const names = async (): Promise<string[]> => (await readdir(directory)).filter((it) => !it.startsWith('.')).sort();
  const read = async (name: string): Promise<string> => {
    const bytes = await readFile(at(name));
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  };
  return {
    directory,
    at,
    async write(name, content, ageDays = 0) {
      await writeFile(at(name), content);
      await chmod(at(name), 0o640);
      const when = new Date(now - ageDays * day);
      await utimes(at(name), when, when);
    },
    read,
    names,
    async lines() {
      const texts = await Promise.all((await names()).map(read));
      return texts.flatMap((text) => text.split('\n').filter(Boolean));
    },
    remove: () => rm(outer, { recursive: true, force: true }),
  };
}

/** What a rotation came to. */
export interface Rotated {
  counts: RotationCounts;
  faults: RotationFault[];
  notes: string[];
  /** What its steps say that was rotated, deleted or compressed. */
  cleaned: number;
}

export interface RotateOptions {
  now?: number;
  system?: FileSystem;
  signal?: AbortSignal;
  request?: { maxSizeMb?: number; maxAgeDays?: number; compressOldLogs?: boolean };
}

const checked = (folder: LogFolder, policy: Partial<LogPolicy>) =>
  checkLog({ name: 'app', directory: folder.directory, ...policy });

const missing = (): Error => Object.assign(new Error('the folder is not there'), { code: 'ENOENT' });

/** Rotates a folder's logs, as the task does. */
export async function rotate(
  folder: LogFolder,
  given: Partial<LogPolicy> = {},
  options: RotateOptions = {},
): Promise<Rotated> {
  const { now = Date.now(), system, signal = new AbortController().signal, request = {} } = options;
  const policy = checked(folder, given);
  const root = await openRoot(folder.directory, { ...(system && { system }), owners: policy.owners });
  if (!root) throw missing();
  const notes: string[] = [];
  try {
    let done = 0;
    const steps: Steps = {
      remaining: Infinity,
      advance: ({ cleaned }) => Promise.resolve(((done += cleaned), !signal.aborted)),
    };
    const context = {
      clock: systemClock,
      signal,
      logger: silentLogger,
      begin: () => Promise.resolve(steps),
      note: (text: string) => void notes.push(text),
    };
    const rotated = await rotateLogs(root, policy, rotationOrders(policy, request, now), context);
    return { ...rotated, notes, cleaned: done };
  } finally {
    await root.close();
  }
}

/** What a rotation would do. */
export async function forecast(
  folder: LogFolder,
  given: Partial<LogPolicy> = {},
  { now = Date.now(), request = {} }: RotateOptions = {},
): Promise<RotationForecast> {
  const policy = checked(folder, given);
  const root = await openRoot(folder.directory, { owners: policy.owners });
  if (!root) throw missing();
  try {
    return await forecastRotation(root, policy, rotationOrders(policy, request, now));
  } finally {
    await root.close();
  }
}
