import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { logFolder, type LogFolder } from '../support/logs.js';
import { treeOf } from '../support/tree.js';

let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder()));
afterEach(() => folder.remove());

describe('a dry run of what works on files', () => {
  it('changes no byte, name, mode or time of what is there, whatever lies there', async () => {
    const [logs, cache, uploads] = ['logs', 'cache', 'uploads'].map((name) => join(folder.directory, name)) as [
      string,
      string,
      string,
    ];
    for (const directory of [logs, cache, uploads])
      await mkdir(join(directory, 'deep', 'er'), { recursive: true, mode: 0o755 });
    const old = async (path: string | Buffer, content: string): Promise<void> => {
      await writeFile(path, content);
      await utimes(path, 1_000, 1_000);
    };
    for (const name of [
      'app.log',
      'web.log',
      'app.log.1',
      'app.log.2.gz',
      'app.log.3',
      'app.log.20260101T000000Z',
      'a\nb.log',
    ])
      await old(join(logs, name), `${name} `.repeat(1_000));
    await old(Buffer.concat([Buffer.from(`${logs}/`), Buffer.of(0xff, 0x61), Buffer.from('.log')]), 'no text');
    // What dead processes left, and a state that is not whole.
    for (const name of ['app.log.1.gz.partial', 'app.log.4.copying', '.dotmac-log-rotation.json'])
      await old(join(logs, name), 'left');
    await truncate(join(logs, 'web.log'), 2 ** 30);
    await link(join(logs, 'app.log'), join(logs, 'app.log.5'));
    await symlink('app.log', join(logs, 'link.log'));
    execFileSync('mkfifo', [join(logs, 'pipe.log')]);
    for (const directory of [cache, uploads])
      for (const name of ['one', 'deep/two', 'deep/er/three']) await old(join(directory, name), name);
    const maintenance = createMaintenance({
      store: memoryMaintenanceStore(),
      logs: [
        {
          name: 'renamed',
          directory: logs,
          pattern: '*.log',
          maxSizeMb: 1e-6,
          naming: 'numbered',
          create: true,
          keepFiles: 1,
          minFreePercent: 90,
        },
        {
          name: 'copied',
          directory: logs,
          pattern: 'web.log',
          maxSizeMb: 1e-6,
          method: 'copytruncate',
          retentionDays: 1,
        },
        {
          name: 'calendar',
          directory: logs,
          pattern: 'a*.log',
          every: 'day',
          naming: { format: '%Y-%m-%d' },
          reopen: () => expect.unreachable(),
        },
      ],
      caches: [{ name: 'cache', directory: cache, maxAgeDays: 1, ageBy: ['modification'] }],
      directories: [{ name: 'uploads', directory: uploads, maxAgeDays: 1, ageBy: ['modification'] }],
      startScheduler: false,
    });
    await maintenance.start();
    const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
    const before = await treeOf(Buffer.from(folder.directory));
    const found: number[] = [];
    for (const maintenanceType of ['log_rotation', 'cache_cleanup', 'disk_cleanup']) {
      const { status, itemsProcessed, itemsCleaned } = await runs.execute({
        maintenanceType,
        parameters: { dry_run: true },
      });
      expect({ status, itemsCleaned }).toEqual({ status: 'completed', itemsCleaned: 0 });
      await plans.create({ maintenanceType, parameters: {} });
      found.push(itemsProcessed);
    }
    expect(await treeOf(Buffer.from(folder.directory))).toEqual(before);
    expect(found.map((it) => it > 0)).toEqual([true, true, true]);
    await maintenance.stop();
  });
});
