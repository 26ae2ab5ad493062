import type { Emitter } from '@dotmac/core';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { MaintenanceEvents } from './events.js';

/**
 * Counts what runs did in the host's registry, as their events tell it. No tenant is a label: their number is not ours
 * to bound.
 */
export function measureRuns(events: Emitter<MaintenanceEvents>, registry: Registry): void {
  const registers = [registry];
  const runs = new Counter({
    name: 'dotmac_maintenance_runs_total',
    help: 'Runs that ended in this process, by what became of them',
    labelNames: ['task', 'outcome'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'dotmac_maintenance_run_duration_seconds',
    help: 'How long runs took',
    labelNames: ['task'] as const,
    buckets: [0.1, 1, 10, 60, 600, 3_600],
    registers,
  });
  const cleaned = new Counter({
    name: 'dotmac_maintenance_items_cleaned_total',
    help: 'Rows, files and keys that are gone',
    labelNames: ['task'] as const,
    registers,
  });
  const freed = new Counter({
    name: 'dotmac_maintenance_freed_bytes_total',
    help: 'Bytes returned to the system',
    labelNames: ['task'] as const,
    registers,
  });
  events.on('maintenance.run_completed', ({ data: { task, status, durationMs, itemsCleaned, bytesFreed } }) => {
    runs.inc({ task, outcome: status });
    seconds.observe({ task }, durationMs / 1_000);
    cleaned.inc({ task }, itemsCleaned);
    freed.inc({ task }, Math.max(0, bytesFreed));
  });
  events.on('maintenance.run_failed', ({ data: { task } }) => runs.inc({ task, outcome: 'failed' }));
}
