import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { directoryResource } from '../../src/policies/directory-resource.js';
import { logFolder } from '../support/logs.js';

/** Short names, some of which begin with others. */
const path = fc
  .array(fc.constantFrom('a', 'ab', 'b'), { minLength: 2, maxLength: 5 })
  .map((names) => `/${names.join('/')}`);
const isIn = (directory: string, root: string): boolean => `${directory}/`.startsWith(`${root}/`);

describe('what is held of directories', () => {
  it('is the same of any two of which one reaches into the other', () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 1 }), path, (roots, directory) => {
        for (const root of roots)
          if (isIn(directory, root))
            expect(directoryResource({ roots }, directory)).toBe(directoryResource({ roots }, root));
      }),
    );
  });

  it('is their own where nothing that is cleaned with all below it is around both', () => {
    fc.assert(
      fc.property(fc.array(path), path, path, (roots, one, other) => {
        fc.pre(one !== other && !roots.some((root) => isIn(one, root) && isIn(other, root)));
        expect(directoryResource({ roots }, one)).not.toBe(directoryResource({ roots }, other));
      }),
    );
  });

  it('keeps a cleanup out of a directory in which logs are rotated, of other tenants as well', async () => {
    const folder = await logFolder();
    onTestFinished(() => folder.remove());
    const [around, within] = [folder.at('uploads'), folder.at('uploads/logs')];
    await mkdir(within, { recursive: true, mode: 0o700 });
    const long = Date.now() / 1_000 - 100 * 86_400;
    for (const name of ['uploads/old', 'uploads/logs/app.log']) {
      await writeFile(folder.at(name), 'x');
      await utimes(folder.at(name), long, long);
    }
    let begun = (): void => {};
    let goOn = (): void => {};
    const [isBegun, mayGoOn] = [
      new Promise<void>((resolve) => (begun = resolve)),
      new Promise<void>((resolve) => (goOn = resolve)),
    ];
    const maintenance = createMaintenance({
      store: memoryMaintenanceStore(),
      logs: [
        {
          ...{ name: 'app', tenants: ['theirs'], directory: within, maxAgeDays: 1 },
          hooks: { before: () => (begun(), mayGoOn) },
        },
      ],
      directories: [
        {
          ...{ name: 'uploads', tenants: ['ours'], directory: around },
          ...{ maxAgeDays: 1, ageBy: ['modification'], exclude: ['logs'] },
        },
      ],
    });
    const [theirs, ours] = ['theirs', 'ours'].map((tenantId) => maintenance.scope({ tenantId }).runs);
    const rotating = theirs?.execute({ maintenanceType: 'log_rotation', parameters: {} });
    await isBegun;
    expect(await ours?.execute({ maintenanceType: 'disk_cleanup', parameters: {} })).toMatchObject({
      status: 'skipped',
      details: { policies: [{ policy: 'uploads', outcome: 'busy' }] },
    });
    goOn();
    expect(await rotating).toMatchObject({ status: 'completed' });
    expect(await readdir(around)).toContain('old');
    expect(await ours?.execute({ maintenanceType: 'disk_cleanup', parameters: {} })).toMatchObject({
      status: 'completed',
    });
    expect(await readdir(around)).toEqual(['logs']);
    expect(await readdir(within)).toHaveLength(1);
  }, 60_000);
});
