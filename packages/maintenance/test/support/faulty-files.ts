import type { FileHandle } from 'node:fs/promises';
import { systemFiles, type FileSystem } from '../../src/files/system.js';

/** The calls of a file system that can be made to fail. */
export const operations = [
  'open',
  'opendir',
  'lstat',
  'link',
  'rename',
  'unlink',
  'rmdir',
  'statfs',
  'read',
  'write',
  'sync',
  'datasync',
  'writeFile',
  'truncate',
  'chmod',
  'chown',
  'utimes',
  'stat',
] as const;
export type Operation = (typeof operations)[number];
const ofHandles: readonly string[] = [
  'read',
  'write',
  'writeFile',
  'sync',
  'datasync',
  'truncate',
  'chmod',
  'chown',
  'utimes',
  'stat',
];

/** A file system that calls `interrupt` before (or after) each of its calls; what that throws, the call throws. */
export function interruptible(interrupt: (operation: Operation, when: 'before' | 'after') => void): FileSystem {
  const around =
    (operation: Operation, call: (...words: never[]) => Promise<unknown>) =>
    async (...words: never[]): Promise<unknown> => {
      interrupt(operation, 'before');
      const result = await call(...words);
      interrupt(operation, 'after');
      return operation === 'open' ? handle(result as FileHandle) : result;
    };
  const handle = (file: FileHandle): FileHandle =>
    new Proxy(file, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        const call = (value as (...words: never[]) => Promise<unknown>).bind(target);
        return ofHandles.includes(String(key)) ? around(key as Operation, call) : call;
      },
    });
  return Object.fromEntries(
    Object.entries(systemFiles).map(([name, call]) => [
      name,
      (operations as readonly string[]).includes(name) ? around(name as Operation, call as never) : call,
    ]),
  ) as unknown as FileSystem;
}

/** A file system whose Nth call of one kind fails, and how many of them there were. */
export function failing(operation: Operation, nth: number, code: string): { system: FileSystem; calls: () => number } {
  let calls = 0;
  const system = interruptible((name, when) => {
    if (name !== operation || when !== 'before' || ++calls !== nth) return;
    throw Object.assign(new Error(`${code}: made to fail`), { code });
  });
  return { system, calls: () => calls };
}

/** A file system whose process dies at the Nth call: neither that one nor any after it has an effect. */
export function dyingAt(nth: number): { system: FileSystem; calls: () => number } {
  let calls = 0;
  const system = interruptible((_, when) => {
    if (when === 'before' && ++calls >= nth) throw Object.assign(new Error('dead'), { code: 'DEAD' });
  });
  return { system, calls: () => calls };
}
