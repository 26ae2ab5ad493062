import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { asTimePasses } from '../support/as-time-passes.js';
import { logFolder, type LogFolder } from '../support/logs.js';

let folder: LogFolder;
beforeEach(async () => {
  folder = await logFolder();
  await folder.write('app.log', 'a line\n', 40);
  await folder.write('app.log.20250101T000000Z', 'an old line\n', 400);
});
afterEach(() => folder.remove());

const minute = 60_000;

function maintaining(policy: Partial<LogPolicy>) {
  const clock = fakeClock(Date.now());
  const log = { name: 'app', directory: folder.directory, retentionDays: 100, compress: false as const, ...policy };
  const maintenance = createMaintenance({ store: memoryMaintenanceStore({ clock }), clock, logs: [log] });
  return { clock, ...maintenance.scope({ tenantId: 'acme' }) };
}

/** A hook that never ends, and how often it was called. */
function endless() {
  const calls = { count: 0, hook: (): Promise<void> => ((calls.count += 1), new Promise(() => undefined)) };
  return calls;
}

describe('a hook that never ends', () => {
  it('of a writer that cannot open its log: it is waited for a minute, all else is done, and it is told again', async () => {
    const reopen = endless();
    const { clock, runs } = maintaining({ reopen: reopen.hook });
    for (const did of [1, 0]) {
      const before = reopen.count;
      const { taskId } = await runs.beginRun('log_rotation', {});
      await expect.poll(() => reopen.count).toBe(before + 1);
      await clock.advance(minute);
      await expect.poll(asTimePasses(clock, async () => (await runs.get(taskId)).status)).toBe('failed');
      const { details, stopReason } = await runs.get(taskId);
      expect(stopReason).toBe('error');
      expect(details).toMatchObject({ policies: [{ rotated: did, deleted: did }] });
    }
  });

  const ways: [name: string, policy: (hook: () => Promise<void>) => Partial<LogPolicy>, did: object][] = [
    ['before', (before) => ({ hooks: { before } }), { rotated: 0, deleted: 0 }],
    ['beforeRotate', (beforeRotate) => ({ hooks: { beforeRotate } }), { rotated: 0, deleted: 0 }],
    ['reopen', (reopen) => ({ reopen }), { rotated: 1, deleted: 0 }],
    ['afterRotate', (afterRotate) => ({ hooks: { afterRotate } }), { rotated: 1, deleted: 0 }],
    ['beforeRemove', (beforeRemove) => ({ hooks: { beforeRemove } }), { rotated: 1, deleted: 0 }],
    ['after', (after) => ({ hooks: { after } }), { rotated: 1, deleted: 1 }],
  ];
  it.each(ways)('is left behind by a run that is cancelled, which tells what it did: %s', async (_, policy, did) => {
    const hook = endless();
    const { clock, runs } = maintaining(policy(hook.hook));
    const { taskId } = await runs.beginRun('log_rotation', {});
    await expect.poll(() => hook.count).toBe(1);
    await runs.cancel(taskId);
    await expect.poll(asTimePasses(clock, async () => (await runs.get(taskId)).status, 1_000)).toBe('cancelled');
    expect(hook.count).toBe(1);
    expect((await runs.get(taskId)).details).toMatchObject({ policies: [did] });
  });

  it('leaves five seconds to all others together: those after it are left out, and the run says how many', async () => {
    const logs = Array.from({ length: 20 }, (_, index) => `n${index}.log`);
    for (const name of logs) await folder.write(name, 'a line\n', 40);
    const calls: string[] = [];
    const afterRotate = async (name: string): Promise<void> => {
      calls.push(name);
      await clock.sleep(4_500);
    };
    const { clock, runs } = maintaining({ hooks: { afterRotate } });
    const { taskId } = await runs.beginRun('log_rotation', {});
    await expect.poll(() => calls.length).toBe(1);
    await runs.cancel(taskId);
    await expect.poll(asTimePasses(clock, async () => (await runs.get(taskId)).status, 1_000)).toBe('cancelled');
    expect(calls).toHaveLength(2);
    const { details, log } = await runs.get(taskId);
    expect(details).toMatchObject({ policies: [{ rotated: 21, deleted: 0 }] });
    const messages = log.map(({ message }) => message);
    expect(messages).toContain('The hook afterRotate of app is not waited for any more: the run was to end.');
    expect(messages).toContain('Calls of the hook afterRotate of app left out, for the run was to end: 19.');
  });

  it.each<[does: string, end: () => void, worded: string[]]>([
    ['ends', () => undefined, []],
    [
      'throws',
      () => {
        throw new Error('of its own');
      },
      ['app: afterRotate failed: the log has the details'],
    ],
  ])('is no reason to leave out others when it %s once the run is cancelled', async (_, end, worded) => {
    for (const name of ['one.log', 'two.log']) await folder.write(name, 'a line\n', 40);
    let go = (): void => undefined;
    const goes = new Promise<void>((resolve) => (go = resolve));
    const calls: string[] = [];
    const afterRotate = async (name: string): Promise<void> => {
      calls.push(name);
      if (calls.length > 1) return;
      await goes;
      end();
    };
    const { clock, runs } = maintaining({ hooks: { afterRotate } });
    const { taskId } = await runs.beginRun('log_rotation', {});
    await expect.poll(() => calls.length).toBe(1);
    await runs.cancel(taskId);
    go();
    await expect.poll(asTimePasses(clock, async () => (await runs.get(taskId)).status)).not.toBe('running');
    expect([...calls].sort()).toEqual(['app.log', 'one.log', 'two.log']);
    const { details, log } = await runs.get(taskId);
    expect(details).toMatchObject({ policies: [{ rotated: 3, deleted: 0 }] });
    expect(log.map(({ message }) => message).filter((it_) => it_.includes('afterRotate'))).toEqual(worded);
  });

  it('is waited for as long as it takes while nobody ends the run', async () => {
    let end: (() => void) | undefined;
    const before = (): Promise<void> => new Promise((resolve) => (end = resolve));
    const { clock, runs } = maintaining({ hooks: { before } });
    const running = runs.run('log_rotation', {});
    await expect.poll(() => end).toBeDefined();
    await clock.advance(60 * minute);
    end?.();
    expect(await running).toMatchObject({ status: 'completed', details: { policies: [{ rotated: 1 }] } });
  });
});
