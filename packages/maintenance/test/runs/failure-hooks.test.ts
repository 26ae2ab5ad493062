import { describe, expect, it } from 'vitest';
import { Registry } from 'prom-client';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore, type RunFailure, type RunFailureHook } from '../../src/index.js';
import { asTimePasses } from '../support/as-time-passes.js';
import { countingTask } from '../support/counting-task.js';

const failing = () => countingTask(() => Promise.reject(new Error('of no concern to callers'))).task;
const scopeOf = (onRunFailed: RunFailureHook[], metrics?: Registry) => {
  const clock = fakeClock();
  const errors: object[] = [];
  const error = (about: object): void => void errors.push(about);
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error };
  const store = memoryMaintenanceStore({ clock });
  const options = { store, clock, logger, onRunFailed, tasks: [failing()], ...(metrics && { metrics }) };
  return { clock, errors, scope: createMaintenance(options).scope({ tenantId: 'acme' }) };
};

describe('hooks for failed runs', () => {
  it('are told, each for itself, before the run is answered', async () => {
    const told: RunFailure[] = [];
    const spoil: RunFailureHook = ({ run }) => void (run.taskName = 'spoilt');
    const { scope } = scopeOf([spoil, (failure) => void told.push(failure)]);
    const { taskId } = await scope.runs.run('count', {});
    expect(told).toMatchObject([
      { tenantId: 'acme', code: 'INTERNAL', run: { taskId, taskName: 'count', status: 'failed', stopReason: 'error' } },
    ]);
    await scope.runs.run('system_monitoring', {});
    expect(told).toHaveLength(1);
  });

  it('are told of an end once: not again by a process that was taken for dead', async () => {
    const clock = fakeClock();
    const store = memoryMaintenanceStore({ clock });
    const told: string[] = [];
    const of = (name: string) => ({
      ...{ store, clock, startScheduler: false },
      onRunFailed: [({ code }: RunFailure) => void told.push(`${name}: ${code}`)],
    });
    let end = (): void => undefined;
    const task = countingTask(() => new Promise((_, reject) => (end = () => reject(new Error('late'))))).task;
    // Its lease is not renewed, as that of a process that stands still.
    const leases = { ...store.leases, renew: () => new Promise<boolean>(() => undefined) };
    const zombie = createMaintenance({ ...of('zombie'), store: { ...store, leases }, tasks: [task] });
    zombie.events.on('maintenance.run_failed', ({ data: { code } }) => void told.push(`zombie tells: ${code}`));
    const { runs } = zombie.scope({ tenantId: 'acme' });
    const running = runs.run('count', {});
    const newest = async () => (await runs.list({ limit: 1 })).items[0]?.taskId ?? '';
    await expect.poll(newest).not.toBe('');
    const taskId = await newest();
    const other = createMaintenance(of('other'));
    const lookAgain = async () => {
      await other.start();
      await other.stop();
      return (await runs.get(taskId)).stopReason;
    };
    await expect.poll(asTimePasses(clock, lookAgain, 10_000)).toBe('abandoned');
    end();
    expect(await running).toMatchObject({ taskId, status: 'failed', stopReason: 'lease_lost' });
    await zombie.stop();
    expect(told).toEqual(['other: ABANDONED']);
    expect((await runs.get(taskId)).stopReason).toBe('abandoned');
  });

  it('change nothing by throwing or by never ending, and are logged', async () => {
    let aborted = false;
    const stuck: RunFailureHook = (_, { signal }) =>
      new Promise(() => signal.addEventListener('abort', () => (aborted = true)));
    const throws: RunFailureHook = () => {
      throw new Error('the hook is broken');
    };
    const { clock, errors, scope } = scopeOf([throws, stuck, () => Promise.reject(new Error('rejected'))]);
    const running = scope.runs.run('count', {});
    await expect.poll(asTimePasses(clock, () => aborted, 1_000)).toBe(true);
    expect(await running).toMatchObject({ status: 'failed' });
    expect(errors).toHaveLength(4);
    expect(errors).toContainEqual(expect.objectContaining({ task: 'count', error: 'the hook is broken' }));
  });
});

describe('the metrics of runs', () => {
  it('say what became of them, why, and when one last completed', async () => {
    const metrics = new Registry();
    const { clock, scope } = scopeOf([], metrics);
    await scope.runs.run('system_monitoring', {});
    await scope.runs.run('system_monitoring', { dryRun: true });
    await scope.runs.run('count', {});
    const text = await metrics.metrics();
    expect(text).toContain('dotmac_maintenance_runs_total{task="system_monitoring",outcome="completed"} 1');
    expect(text).toContain('dotmac_maintenance_runs_total{task="count",outcome="failed"} 1');
    expect(text).toContain('dotmac_maintenance_stop_reasons_total{task="count",reason="error"} 1');
    expect(text).toContain('dotmac_maintenance_run_duration_seconds_count{task="count"} 1');
    expect(text).toContain(
      `dotmac_maintenance_last_success_timestamp_seconds{task="system_monitoring"} ${clock.now() / 1_000}`,
    );
    expect(text).not.toContain('last_success_timestamp_seconds{task="count"}');
    expect(text).toContain('dotmac_maintenance_space_bytes_total{task="system_monitoring",kind="reusable"} 0');
  });
});
