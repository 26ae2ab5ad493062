import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dotmac-scratch-'));
  vi.stubEnv('TMPDIR', root);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

it('removes what killed processes left in the temporary directory a day ago, and nothing else', async () => {
  const at = (name: string): string => join(root, name);
  for (const name of [
    'dotmac-npm-oldOne',
    'dotmac-program-oldOne',
    'dotmac-npm-newOne',
    'dotmac-npm-mirror-of-ours',
    'others-old',
    'target',
  ]) {
    await mkdir(at(name));
    await writeFile(join(at(name), 'file'), '');
  }
  await writeFile(at('dotmac-npm-aFile1'), '');
  await symlink(at('target'), at('dotmac-npm-aLink1'));
  const dayBefore = new Date(Date.now() - 86_500_000);
  for (const name of [
    'dotmac-npm-oldOne',
    'dotmac-program-oldOne',
    'others-old',
    'target',
    'dotmac-npm-aFile1',
    'dotmac-npm-mirror-of-ours',
  ])
    await utimes(at(name), dayBefore, dayBefore);
  const { runs } = createMaintenance({ store: memoryMaintenanceStore() }).scope({ tenantId: 'acme' });
  const before = (await readdir(root)).sort();
  await runs.run('security_updates', { dryRun: true });
  expect((await readdir(root)).sort()).toEqual(before);
  await runs.run('security_updates', {});
  expect((await readdir(root)).sort()).toEqual(before.filter((name) => !/-oldOne$/.test(name)));
  expect(await readdir(at('target'))).toEqual(['file']);
});
