import fs, { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';

describe('a policy that fails keeps no other out of a plan, which names it', () => {
  let directory: string;
  let restore: () => void;
  /** In each `broken` the system lets nobody look. */
  const at = (name: 'broken' | 'sound'): string => join(directory, name);
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dotmac-failing-'));
    for (const name of ['broken', 'sound'] as const) await mkdir(at(name), { mode: 0o700 });
    const open = fs.open.bind(fs);
    const opening = vi.spyOn(fs, 'open').mockImplementation((path, ...more) => {
      if (String(path).endsWith('/broken')) throw Object.assign(new Error('EACCES: made to fail'), { code: 'EACCES' });
      return open(path, ...more);
    });
    syncBuiltinESMExports();
    restore = () => (opening.mockRestore(), syncBuiltinESMExports());
  });
  afterEach(async () => {
    restore();
    await rm(directory, { recursive: true });
  });
  const acme = (options: Omit<MaintenanceOptions, 'store'>) =>
    createMaintenance({ store: memoryMaintenanceStore(), throttle: [], ...options }).scope({ tenantId: 'acme' });
  const refusal = (name: string) =>
    `The files of the policy ${name} cannot be worked on: this process may not (EACCES).`;

  const gone = () => Promise.reject(new Error('Connection is closed at redis://:secret@host'));
  const broken = {
    memory: {
      name: 'heap',
      memory: () => {
        throw new TypeError('no cache at redis://:secret@host');
      },
    },
    redis: {
      ...{ name: 'pages', pattern: 'page:*' },
      redis: () => ({ callBuffer: gone, pipeline: () => expect.unreachable() }),
    },
    files: () => ({ name: 'images', directory: at('broken'), maxAgeDays: 1 }),
  };
  const reasons = {
    heap: 'The work of heap failed unexpectedly; the log has the details.',
    pages: 'The cache of the policy pages did not answer.',
  };

  it('of caches', async () => {
    const cache = Object.assign(new Map([['a', 1]]), { purgeStale: () => false });
    const { plans } = acme({
      caches: [
        broken.memory,
        { name: 'sound', memory: () => cache, remove: 'all' },
        broken.redis,
        broken.files(),
        { name: 'thumbnails', directory: at('sound'), maxAgeDays: 1 },
      ],
    });
    const request = { maintenanceType: 'cache_cleanup', parameters: { redis_cleanup: true } };
    const { id, plan } = await plans.create(request);
    expect(plan.targets.map(({ target }) => target)).toEqual(['memory:sound', 'directory:thumbnails']);
    expect(plan.warnings).toEqual([`heap: ${reasons.heap}`, `pages: ${reasons.pages}`, `images: ${refusal('images')}`]);
    expect(await plans.apply(id)).toMatchObject({ status: 'failed', itemsCleaned: 1 });
    expect(cache.size).toBe(0);
  });

  it('of directories, and which cannot be applied when that policy answers again', async () => {
    const directories = (['broken', 'sound'] as const).map((name) => ({ name, directory: at(name), maxAgeDays: 1 }));
    const { plans } = acme({ directories });
    const { id, plan } = await plans.create({ maintenanceType: 'disk_cleanup', parameters: {} });
    expect(plan.targets.map(({ target }) => target)).toEqual(['directory:sound']);
    expect(plan.warnings).toEqual([`broken: ${refusal('broken')}`]);
    restore();
    await expect(plans.apply(id)).rejects.toMatchObject({
      code: 'PLAN_DRIFTED',
      message: expect.stringContaining('directory:broken has come in addition'),
    });
  });

  it('but one that fails since keeps the plan from being applied, which says why, and can be once it does not any more', async () => {
    const [pages, images] = [1, 2].map((key) => Object.assign(new Map([[key, key]]), { purgeStale: () => false }));
    let isAway = false;
    const memory = () => (isAway ? expect.unreachable() : pages!);
    const { plans } = acme({
      caches: [
        { name: 'broken', memory: broken.memory.memory },
        { name: 'pages', memory, remove: 'all' },
        { name: 'images', memory: () => images!, remove: 'all' },
      ],
    });
    const { id } = await plans.create({ maintenanceType: 'cache_cleanup', parameters: {} });
    isAway = true;
    await expect(plans.apply(id)).rejects.toMatchObject({
      code: 'PLAN_NOT_MADE',
      message:
        'What cache_cleanup would do cannot be said: pages: The work of pages failed unexpectedly; the log has the details.',
    });
    expect(images?.size).toBe(1);
    isAway = false;
    expect(await plans.apply(id)).toMatchObject({ status: 'failed', itemsCleaned: 2 });
    expect([pages?.size, images?.size]).toEqual([0, 0]);
  });

  it('of logs, one that has no directory yet included', async () => {
    const request = { maintenanceType: 'log_rotation', parameters: {} };
    const logs = (['broken', 'sound'] as const).map((name) => ({ name, directory: at(name) }));
    const { plan } = await acme({ logs }).plans.create(request);
    expect(plan.targets.map(({ target }) => target)).toEqual(['logs:sound:rotate']);
    expect(plan.warnings).toEqual([`broken: ${refusal('broken')}`]);
    const missing = [logs[0]!, { name: 'missing', directory: join(directory, 'missing') }];
    expect((await acme({ logs: missing }).plans.create(request)).plan).toEqual({
      targets: [],
      warnings: [`broken: ${refusal('broken')}`],
      failed: ['broken'],
    });
  });

  it.each<[string, string, () => Omit<MaintenanceOptions, 'store'>]>([
    ['cache_cleanup', reasons.heap, () => ({ caches: [broken.memory, broken.redis, broken.files()] })],
    ['disk_cleanup', refusal('images'), () => ({ directories: [broken.files()] })],
    ['log_rotation', refusal('app'), () => ({ logs: [{ name: 'app', directory: at('broken') }] })],
  ])('but where all fail there is no plan: %s', async (maintenanceType, reason, options) => {
    const parameters = maintenanceType === 'cache_cleanup' ? { redis_cleanup: true } : {};
    const making = acme(options()).plans.create({ maintenanceType, parameters });
    await expect(making).rejects.toMatchObject({ code: 'PLAN_NOT_MADE', message: expect.stringContaining(reason) });
  });
});
