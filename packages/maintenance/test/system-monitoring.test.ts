import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { SilentDiskError } from '../src/files/mount-queue.js';
import { probeDisk } from '../src/files/probe-disk.js';
import { createMaintenance, memoryMaintenanceStore } from '../src/index.js';
import { systemMonitoringBy } from '../src/tasks/system-monitoring.js';

const [hour, day] = [3_600_000, 86_400_000];

interface Report {
  host: string;
  memory_total_mb: number;
  memory_free_mb: number;
  load: number[];
  load_per_processor: number[];
  processors: number;
  disks: {
    policies: string[];
    free_mb: number;
    total_mb: number;
    inodes: number;
    free_inodes: number;
    mb_per_day: number | null;
    full_at: string | null;
    samples: { at: string; free_mb: number }[];
  }[];
  warnings: { id: string; message: string }[];
}

describe('monitoring the machine', () => {
  let root: string;
  beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'dotmac-monitor-'))));
  afterAll(() => rm(root, { recursive: true }));

  it('measures memory, load, and each disk once', async () => {
    const directories = ['a', 'b'].map((name) => ({ name, directory: root }));
    const hostId = 'edge-1';
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), directories, hostId }).scope({
      tenantId: 'acme',
    });
    const result = await runs.run('system_monitoring', { minFreePercent: 0, fullWithinDays: 14 });
    expect(result).toMatchObject({ status: 'completed', errorMessage: null, itemsCleaned: 0 });
    const report = result.details as unknown as Report;
    expect(report.host).toBe('edge-1');
    expect(report.load_per_processor).toEqual(report.load.map((it) => it / report.processors));
    expect(report.memory_free_mb).toBeGreaterThan(0);
    expect(report.memory_free_mb).toBeLessThan(report.memory_total_mb);
    expect(report.disks).toHaveLength(1);
    const [disk] = report.disks;
    expect(disk).toMatchObject({ policies: ['a', 'b'], full_at: null, mb_per_day: null });
    expect(disk?.samples).toHaveLength(1);
    expect(disk?.free_inodes).toBeLessThanOrEqual(disk?.inodes ?? 0);
    expect(report.warnings).toEqual([]);
  });

  it('warns of a disk that does not answer, and tells of the others', async () => {
    const directories = ['uploads', 'shared'].map((name) => ({ name, directory: join(root, name) }));
    for (const { directory } of directories) await mkdir(directory);
    const task = systemMonitoringBy((directory) =>
      directory.endsWith('shared') ? Promise.reject(new SilentDiskError()) : probeDisk(directory),
    );
    const tasks = [{ ...task, type: 'watch' }];
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), directories, tasks }).scope({
      tenantId: 'acme',
    });
    const { details } = await runs.run('watch', { minFreePercent: 0, fullWithinDays: 0 });
    expect(details).toMatchObject({
      disks: [{ policies: ['uploads'] }],
      unreachable: [{ policy: 'shared', reason: 'its file system does not answer' }],
      warnings: [
        {
          id: 'disk_unreachable:shared',
          message: 'The disk of shared cannot be measured: its file system does not answer.',
        },
      ],
    });
  });

  it('looks at every directory that a policy names, and warns of much load where it is told to', async () => {
    const database = sqlite(':memory:');
    const table = { database: 'main', table: 'visits', timeColumn: 'at', retentionDays: 30 };
    const { runs } = createMaintenance({
      store: memoryMaintenanceStore(),
      databases: { main: database },
      retention: [{ name: 'visits', ...table, archive: { directory: join(root, 'archive') } }],
      logs: [{ name: 'app', directory: join(root, 'logs'), retentionDays: 30 }],
      caches: [{ name: 'thumbnails', directory: join(root, 'cache'), maxAgeDays: 7 }],
      backups: [
        { name: 'nightly', url: 'sqlite:/data/app/app.db', directory: join(root, 'backups'), keep: { last: 2 } },
      ],
    }).scope({ tenantId: 'acme' });
    for (const name of ['archive', 'logs', 'cache', 'backups']) await mkdir(join(root, name));
    const result = await runs.run('system_monitoring', { minFreePercent: 0, maxLoadPerProcessor: 1e-6 });
    expect(result.errorMessage).toBeNull();
    const { disks, warnings } = result.details as unknown as Report;
    expect(disks.map(({ policies }) => policies)).toEqual([['app', 'thumbnails', 'nightly', 'visits']]);
    expect(warnings.map(({ id }) => id)).toEqual(['load_high']);
    await database.close();
  });

  it('warns of little room, and tells from earlier runs of this machine when a disk is full', async () => {
    const clock = fakeClock(Date.UTC(2026, 5, 1));
    const store = memoryMaintenanceStore({ clock });
    const directories = [{ name: 'uploads', directory: root }];
    const maintenance = createMaintenance({ store, directories, clock });
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const measure = async () => {
      const result = await runs.run('system_monitoring', { minFreePercent: 100, fullWithinDays: 3_650 });
      return result.details as unknown as Report;
    };
    const now = await measure();
    expect(now.warnings.map(({ id }) => id.split(':')[0])).toEqual(['memory_low', 'disk_low', 'inodes_low']);
    const [disk] = now.disks;
    // Earlier runs had more room, a gibibyte a day. The last one missed the disk; those of many other machines had none.
    const own = store.runs('acme');
    const [template] = await own.list({ limit: 1 });
    if (!template) throw new Error('the run was not kept');
    const samples = Array.from({ length: 48 }, (_, i) => {
      const at = clock.now() - (48 - i) * hour;
      return { at: new Date(at).toISOString(), free_mb: (disk?.free_mb ?? 0) + ((48 - i) / 24) * 1_024 };
    });
    const reported = (disks: unknown[], scopeId = template.scopeId) =>
      own.insert({ ...template, id: newId(), scopeId, details: { ...now, host: scopeId, disks } });
    await reported([{ ...disk, samples }]);
    await reported([]);
    for (let i = 0; i < 60; i++) await reported([{ ...disk, samples: [] }], `another-${i}`);
    const later = await measure();
    expect(later.disks[0]?.samples.length).toBeGreaterThan(20);
    expect(later.disks[0]?.mb_per_day).toBeCloseTo(-1_024, -2);
    const leftMs = ((disk?.free_mb ?? 0) / 1_024) * day;
    const toldMs = Date.parse(later.disks[0]?.full_at ?? '') - clock.now();
    expect(Math.abs(toldMs / leftMs - 1)).toBeLessThan(0.1);
    expect(later.warnings.map(({ id }) => id.split(':')[0])).toContain('disk_full_soon');
  });

  it('takes for its own what its own runs told, also from a store that lists those of all machines', async () => {
    const all = memoryMaintenanceStore();
    const unaware = (tenantId: string) => {
      const runs = all.runs(tenantId);
      return {
        ...runs,
        list: (listing: Parameters<typeof runs.list>[0]) => runs.list({ ...listing, scopeId: undefined }),
      };
    };
    const store = { ...all, runs: unaware };
    const directories = [{ name: 'uploads', directory: root }];
    const samplesOn = async (hostId: string) => {
      const { runs } = createMaintenance({ store, directories, hostId, throttle: [] }).scope({ tenantId: 'acme' });
      const { disks } = (await runs.run('system_monitoring', {})).details as unknown as Report;
      return disks.map(({ samples }) => samples.length);
    };
    expect([await samplesOn('edge-1'), await samplesOn('edge-2')]).toEqual([[1], [1]]);
  });
});
