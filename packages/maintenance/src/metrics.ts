import type { Emitter } from '@dotmac/core';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MaintenanceEvents } from './events.js';

/**
 * Counts what runs did in the host's registry, as their events tell it. No tenant is a label: their number is not ours
 * to bound. Dry runs are not counted.
 */
export function measureRuns(events: Emitter<MaintenanceEvents>, registry: Registry): void {
  const registers = [registry];
  const byTask = { labelNames: ['task'] as const, registers };
  const runs = new Counter({
    name: 'dotmac_maintenance_runs_total',
    help: 'Runs that ended in this process, by what became of them',
    labelNames: ['task', 'outcome'] as const,
    registers,
  });
  const reasons = new Counter({
    name: 'dotmac_maintenance_stop_reasons_total',
    help: 'Runs that ended in this process, by why they did',
    labelNames: ['task', 'reason'] as const,
    registers,
  });
  const seconds = new Histogram({
    ...byTask,
    name: 'dotmac_maintenance_run_duration_seconds',
    help: 'How long runs took',
    buckets: [0.1, 1, 10, 60, 600, 3_600],
  });
  const lag = new Histogram({
    ...byTask,
    name: 'dotmac_maintenance_schedule_lag_seconds',
    help: 'How late scheduled runs began',
    buckets: [0.1, 1, 5, 30, 300, 3_600],
  });
  const lastSuccess = new Gauge({
    ...byTask,
    name: 'dotmac_maintenance_last_success_timestamp_seconds',
    help: 'When a run last completed in this process; alert when that is too long ago',
  });
  const processed = new Counter({
    ...byTask,
    name: 'dotmac_maintenance_items_processed_total',
    help: 'Rows, files and keys that were looked at',
  });
  const cleaned = new Counter({
    ...byTask,
    name: 'dotmac_maintenance_items_cleaned_total',
    help: 'Rows, files and keys that are gone',
  });
  const space = new Counter({
    name: 'dotmac_maintenance_space_bytes_total',
    help: 'Bytes returned to the system, made reusable, and estimated but not measured',
    labelNames: ['task', 'kind'] as const,
    registers,
  });

  const over = (data: {
    task: string;
    stopReason: string;
    durationMs: number;
    itemsProcessed: number;
    itemsCleaned: number;
    bytesFreed: number;
  }): void => {
    const { task } = data;
    reasons.inc({ task, reason: data.stopReason });
    seconds.observe({ task }, data.durationMs / 1_000);
    processed.inc({ task }, data.itemsProcessed);
    cleaned.inc({ task }, data.itemsCleaned);
    space.inc({ task, kind: 'returned' }, Math.max(0, data.bytesFreed));
  };
  events.on('maintenance.run_started', ({ data: { task, lagMs } }) => {
    if (lagMs !== null) lag.observe({ task }, lagMs / 1_000);
  });
  events.on('maintenance.run_completed', ({ at, data }) => {
    if (data.dryRun) return;
    const { task, status, bytesReusable, bytesEstimated } = data;
    runs.inc({ task, outcome: status });
    over(data);
    space.inc({ task, kind: 'reusable' }, Math.max(0, bytesReusable));
    space.inc({ task, kind: 'estimated' }, Math.max(0, bytesEstimated));
    if (status === 'completed') lastSuccess.set({ task }, at / 1_000);
  });
  events.on('maintenance.run_failed', ({ data }) => {
    if (data.dryRun) return;
    runs.inc({ task: data.task, outcome: 'failed' });
    over(data);
  });
}
