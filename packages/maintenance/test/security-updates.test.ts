import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMaintenance, memoryMaintenanceStore, type UpdatePolicy } from '../src/index.js';
import { startNpmProject, type NpmProject } from './support/npm-project.js';
import { treeOf } from './support/tree.js';

describe('security updates', () => {
  let root: string;
  let project: NpmProject;
  const scope = (updates: UpdatePolicy[]) =>
    createMaintenance({ store: memoryMaintenanceStore(), updates }).scope({ tenantId: 'acme' });
  const run = (updates: UpdatePolicy[], parameters: Record<string, unknown> = {}) =>
    scope(updates).runs.execute({ maintenanceType: 'security_updates', parameters });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dotmac-updates-'));
    project = await startNpmProject(root, {
      versions: { faulty: ['1.0.0', '1.0.1'], old: ['1.0.0', '1.1.0'] },
      faulty: { faulty: { severity: 'high', versions: '<1.0.1' } },
    });
  });
  afterEach(async () => {
    await project.stop();
    await rm(root, { recursive: true });
  });

  it('reports what is pending, and applies nothing that was not asked for and allowed', async () => {
    const shop: UpdatePolicy = { name: 'shop', manager: 'npm', directory: project.directory };
    const result = await run([{ ...shop, apply: 'security' }]);
    expect(result).toMatchObject({
      status: 'completed',
      itemsProcessed: 2,
      itemsCleaned: 0,
      details: {
        policies: [
          {
            policy: 'shop',
            outcome: 'done',
            pending: 2,
            pending_security: 1,
            updates: [{ name: 'faulty', is_security: true, severity: 'high' }, { name: 'old' }],
            applied: [],
          },
        ],
      },
    });
    expect(await project.versionOf('faulty')).toBe('1.0.0');
    await expect(run([shop], { apply: true })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(run([shop], { policies: ['other'] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const before = await treeOf(Buffer.from(root));
    const plan = await run([{ ...shop, apply: 'security' }], { apply: true, dry_run: true });
    expect(await treeOf(Buffer.from(root))).toEqual(before);
    expect(plan.details).toMatchObject({
      plan: { targets: [{ target: 'packages:shop', action: 'update', items: 1, total: 2 }] },
    });
    expect(await project.versionOf('faulty')).toBe('1.0.0');
  }, 120_000);

  it('applies what is of security where it may', async () => {
    const shop: UpdatePolicy = { name: 'shop', manager: 'npm', directory: project.directory, apply: 'security' };
    const result = await run([shop], { apply: true });
    expect(result).toMatchObject({
      status: 'completed',
      itemsCleaned: 1,
      details: { policies: [{ applied: ['faulty'] }] },
    });
    expect([await project.versionOf('faulty'), await project.versionOf('old')]).toEqual(['1.0.1', '1.0.0']);
  }, 120_000);

  it('applies no more than the budget of items allows, and nothing where that goes in one piece alone', async () => {
    await project.stop();
    project = await startNpmProject(join(root, 'two'), {
      versions: { one: ['1.0.0', '1.0.1'], two: ['1.0.0', '1.0.1'] },
      faulty: { one: { severity: 'high', versions: '<1.0.1' }, two: { severity: 'high', versions: '<1.0.1' } },
    });
    const shop: UpdatePolicy = { name: 'shop', manager: 'npm', directory: project.directory, apply: 'security' };
    const { runs } = scope([shop]);
    const bounded = await runs.run('security_updates', { apply: true, maxItems: 1 });
    expect(bounded).toMatchObject({
      ...{ status: 'completed', stopReason: 'items', itemsCleaned: 0 },
      details: { policies: [{ policy: 'shop', outcome: 'partial', pending_security: 2, applied: [] }] },
    });
    expect([await project.versionOf('one'), await project.versionOf('two')]).toEqual(['1.0.0', '1.0.0']);
    const whole = await runs.run('security_updates', { apply: true, maxItems: 2 });
    expect(whole.details).toMatchObject({ policies: [{ outcome: 'done', applied: ['one', 'two'] }] });
    expect([await project.versionOf('one'), await project.versionOf('two')]).toEqual(['1.0.1', '1.0.1']);
  }, 120_000);

  it('asks before more of what is pending is applied than the share that may go, and says what is pending', async () => {
    const shop: UpdatePolicy = { name: 'shop', manager: 'npm', directory: project.directory, apply: 'security' };
    const store = memoryMaintenanceStore();
    const updates = [{ ...shop, maxShare: 0.4 }];
    const { runs } = createMaintenance({ store, updates, unaskedItems: 0 }).scope({ tenantId: 'acme' });
    const asked = await runs.run('security_updates', { apply: true });
    expect(asked).toMatchObject({
      ...{ status: 'needs_confirmation', itemsCleaned: 0 },
      details: {
        policies: [{ policy: 'shop', outcome: 'unconfirmed', pending: 2, pending_security: 1, applied: [] }],
        asked: [{ target: 'packages:shop', planned: 1, total: 2 }],
      },
    });
    expect(await project.versionOf('faulty')).toBe('1.0.0');
    const { taskId } = await runs.confirm(asked.taskId);
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 60_000 }).toBe('completed');
    expect(await runs.get(taskId)).toMatchObject({ itemsCleaned: 1, details: { policies: [{ applied: ['faulty'] }] } });
    expect(await project.versionOf('faulty')).toBe('1.0.1');
    expect(() => scope([{ ...shop, maxShare: 2 }])).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }, 120_000);

  it('begins no update beside one that is still at work, and leaves nothing from which to go on', async () => {
    await project.stop();
    let open = (): void => {};
    const opens = new Promise<void>((resolve) => (open = resolve));
    project = await startNpmProject(join(root, 'slow'), {
      versions: { faulty: ['1.0.0', '1.0.1'] },
      faulty: { faulty: { severity: 'high', versions: '<1.0.1' } },
      opens,
    });
    const shop: UpdatePolicy = { name: 'shop', manager: 'npm', directory: project.directory, apply: 'security' };
    const first = scope([shop]).runs;
    const { taskId } = await first.beginRun('security_updates', { apply: true });
    await expect.poll(() => project.isAskedForPackages).toBe(true);
    // Of a process that knows nothing of the first.
    const store = memoryMaintenanceStore();
    const second = createMaintenance({ store, updates: [shop] }).scope({ tenantId: 'acme' }).runs;
    const refused = await second.run('security_updates', { apply: true });
    expect(refused).toMatchObject({
      ...{ status: 'failed', errorMessage: expect.stringContaining('still at work'), itemsCleaned: 0 },
      details: { policies: [{ policy: 'shop', outcome: 'failed', applied: [] }] },
    });
    expect((await store.runs('acme').get(refused.taskId))?.cursors).toEqual({});
    open();
    await expect.poll(async () => (await first.get(taskId)).status, { timeout: 60_000 }).toBe('completed');
    expect(await project.versionOf('faulty')).toBe('1.0.1');
    expect(await run([shop], { apply: true })).toMatchObject({ status: 'completed' });
  }, 120_000);

  it('goes on with the others when one manager does not report, and has failed all the same', async () => {
    const bare = join(root, 'bare');
    await mkdir(bare);
    await writeFile(join(bare, 'package.json'), '{}');
    const [shop, other]: UpdatePolicy[] = [
      { name: 'shop', manager: 'npm', directory: project.directory },
      { name: 'bare', manager: 'npm', directory: bare },
    ];
    const result = await run([other!, shop!]);
    expect(result).toMatchObject({
      ...{ status: 'failed', stopReason: 'error', errorMessage: expect.stringContaining('bare could not be read') },
      details: {
        policies: [
          { policy: 'bare', outcome: 'failed', reason: expect.stringContaining('lock file') },
          { policy: 'shop', outcome: 'done', pending: 2 },
        ],
      },
    });
    expect(result.errorMessage).not.toContain(root);
    const plan = await run([other!, shop!], { dry_run: true });
    expect(plan).toMatchObject({
      status: 'completed',
      details: {
        plan: {
          targets: [{ target: 'packages:shop' }],
          warnings: [expect.stringMatching(/^bare: .*lock file/), 'shop: 1 updates of security are pending.'],
        },
      },
    });
    const unplanned = await run([other!], { dry_run: true });
    expect(unplanned).toMatchObject({ status: 'failed', errorMessage: result.errorMessage });
  }, 120_000);

  it('refuses projects whose place is not told exactly', () => {
    for (const directory of ['relative', '', '/a\0b'])
      expect(() => scope([{ name: 'x', manager: 'npm', directory }])).toThrowError(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });
});
