import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
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
