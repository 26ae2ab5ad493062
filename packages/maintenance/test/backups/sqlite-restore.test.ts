import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { sqliteSource } from '../../src/backups/databases/sqlite.js';
import type { Content } from '../../src/backups/source.js';

it('of two restorations into one file at once one alone succeeds, and the file is whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-restore-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const source = sqliteSource(join(folder, 'app.db'), { countRows: true });
  const context = { clock: systemClock, signal: AbortSignal.timeout(60_000), scratchFile: join(folder, 'scratch') };
  /** Its second half comes when that is let go. */
  const restoring = () => {
    let letGo = (): void => {};
    let begun = (): void => {};
    const [held, beginning] = [
      new Promise<void>((resolve) => (letGo = resolve)),
      new Promise<void>((resolve) => (begun = resolve)),
    ];
    async function* content(): Content {
      yield Buffer.from('first half, ');
      begun();
      await held;
      yield Buffer.from('second half');
    }
    const ended = source.restore(context, content(), `sqlite:${join(folder, 'restored.db')}`).then(
      () => 'restored',
      (error: Error) => error.name,
    );
    return { letGo, beginning, ended };
  };
  const one = restoring();
  await one.beginning;
  const other = restoring();
  await other.beginning;
  one.letGo();
  const first = await one.ended;
  const whole = await readFile(join(folder, 'restored.db'), 'utf8').catch(() => null);
  other.letGo();
  expect([first, whole, await other.ended]).toEqual(['restored', 'first half, second half', 'UnfitTarget']);
  expect(await readdir(folder)).toEqual(['restored.db']);
});

it('what a restoration left that was killed goes with the next into that file, a day later, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-restore-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const now = Date.UTC(2026, 5, 2);
  const at = (name: string): string => join(folder, name);
  const left = async (name: string, hours: number): Promise<void> => {
    await writeFile(at(name), 'half');
    await utimes(at(name), now / 1_000 - hours * 3_600, now / 1_000 - hours * 3_600);
  };
  await left('restored.db.0123abcd.partial', 25);
  await left('restored.db.4567cdef.partial', 23);
  const others = ['restored.db.mine.partial', 'restored.db.0123abcd.partial.old', 'other.db.0123abcd.partial'];
  for (const name of others) await left(name, 25);
  const source = sqliteSource(at('app.db'), { countRows: true });
  async function* content(): Content {
    yield Buffer.from('whole');
  }
  const context = { clock: fakeClock(now), signal: AbortSignal.timeout(60_000), scratchFile: at('scratch') };
  await source.restore(context, content(), `sqlite:${at('restored.db')}`);
  expect(await readdir(folder).then((names) => names.sort())).toEqual(
    ['restored.db', 'restored.db.4567cdef.partial', ...others].sort(),
  );
});
