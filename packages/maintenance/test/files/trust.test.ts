import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { distrust } from '../../src/files/facts.js';
import { openRoot, UnsafePathError } from '../../src/files/root.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

const [me = 0, mine = 0] = [process.geteuid?.(), process.getegid?.()];
const [other, theirs] = [me + 12_345, mine + 12_345];

describe('a directory on the way to files', () => {
  it.each<
    [what: string, mode: number, uid: number, gid: number, owners: number[], trusted: [above: boolean, own: boolean]]
  >([
    ['of one’s own', 0o755, me, mine, [], [true, true]],
    ['of root', 0o755, 0, 0, [], [true, true]],
    ['of somebody else', 0o755, other, mine, [], [false, false]],
    ['of somebody whom the policy names', 0o755, other, theirs, [other], [true, true]],
    ['of somebody whom the policy does not name', 0o755, other, theirs, [other + 1], [false, false]],
    ['that everybody may write to', 0o757, me, mine, [], [false, false]],
    ['that everybody may write to, and remove nobody else’s files from', 0o1777, 0, 0, [], [true, false]],
    ['that one’s own group may write to', 0o775, me, mine, [], [true, true]],
    ['that root’s group may write to', 0o775, 0, 0, [], [true, true]],
    // As /var/log is on some systems: whoever swaps a directory there puts one of their own, which is not trusted.
    ['that another group may write to', 0o775, 0, theirs, [], [true, false]],
  ])('%s', (_, mode, uid, gid, owners, trusted) => {
    const of = (own: boolean): boolean => distrust({ mode: 0o40000 | mode, uid, gid }, owners, own) === undefined;
    expect([of(false), of(true)]).toEqual(trusted);
  });
});

describe('files below directories that others could exchange', () => {
  let outer: string;
  const at = (...names: string[]) => join(outer, ...names);
  beforeEach(async () => {
    outer = await mkdtemp(join(tmpdir(), 'dotmac-trust-'));
    await mkdir(at('a', 'b', 'logs'), { recursive: true, mode: 0o755 });
    await writeFile(at('a', 'b', 'logs', 'app.log'), 'a line');
  });
  afterEach(() => rm(outer, { recursive: true }));

  it.each([
    ['a', 0o777],
    ['a/b', 0o757],
    ['a/b/logs', 0o777],
    ['a/b/logs', 0o1777],
  ])('are not reached when everybody may write to %s (%o)', async (name, mode) => {
    await chmod(at(name), mode);
    await expect(openRoot(at('a/b/logs'))).rejects.toThrow(UnsafePathError);
    const maintenance = createMaintenance({
      store: memoryMaintenanceStore(),
      logs: [{ name: 'app', directory: at('a/b/logs'), maxSizeMb: 1e-9 }],
      startScheduler: false,
    });
    const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
    expect(await runs.run('log_rotation', {})).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('may be written to by everybody') as string,
    });
    await expect(plans.create({ maintenanceType: 'log_rotation', parameters: {} })).rejects.toMatchObject({
      code: 'PLAN_NOT_MADE',
    });
    expect((await stat(at('a/b/logs/app.log'))).size).toBe(6);
    await chmod(at(name), 0o755);
    expect(await runs.run('log_rotation', {})).toMatchObject({ status: 'completed', errorMessage: null });
    await maintenance.stop();
  });

  it('are cleaned where the last of them is a temporary directory that everybody shares, and no other is', async () => {
    await chmod(at('a/b/logs'), 0o1777);
    const root = await openRoot(at('a/b/logs'), { shared: true });
    await root?.close();
    expect(root).not.toBeNull();
    await chmod(at('a/b'), 0o777);
    await expect(openRoot(at('a/b/logs'), { shared: true })).rejects.toThrow(UnsafePathError);
  });
});
