import type { Controls } from '../tasks/controls.js';
import type { StopReason } from './run.js';

/** What a run may use up. */
export interface RunLimits {
  /** Epoch ms; the window in which it may run closes then. */
  until?: number | undefined;
  /** Ms since it began. */
  runtimeMs?: number | undefined;
  items?: number | undefined;
  batches?: number | undefined;
}

/** What it has used. */
export interface Used {
  now: number;
  /** Ms since it began, by the monotonic clock. */
  runtimeMs: number;
  items: number;
  batches: number;
}

/** The limits that a task's controls set. */
export function limitsOf({ maxRuntimeSeconds, maxItems, maxBatches }: Controls, until?: number): RunLimits {
  const runtimeMs = maxRuntimeSeconds === undefined ? undefined : maxRuntimeSeconds * 1_000;
  return { until, runtimeMs, items: maxItems, batches: maxBatches };
}

/** The first limit that is reached; null while there is room. */
export function reached(limits: RunLimits, used: Used): StopReason | null {
  const { until = Infinity, runtimeMs = Infinity, items = Infinity, batches = Infinity } = limits;
  if (used.items >= items) return 'items';
  if (used.batches >= batches) return 'batches';
  if (used.runtimeMs >= runtimeMs) return 'time';
  return used.now >= until ? 'window' : null;
}
