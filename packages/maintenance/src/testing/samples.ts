import { newId, systemClock } from '@dotmac/core';
import type { KeptPlan } from '../plans/kept-plan.js';
import type { Run, RunOutcome, RunPulse } from '../runs/run.js';
import type { Pruning } from '../store/store.js';

/** A run that has just begun. */
export const began: Omit<Run, 'tenantId' | 'id'> = {
  task: 'log_rotation',
  scopeId: 'host-1',
  trigger: 'request',
  schedule: null,
  actor: 'user:1',
  parameters: { max_size_mb: 10, policies: ['é"'] },
  dryRun: false,
  planId: null,
  asOf: 900,
  confirmed: true,
  resumes: null,
  resumedBy: null,
  status: 'running',
  stopReason: null,
  cancelRequestedAt: null,
  startedAt: 1_000,
  endedAt: null,
  itemsProcessed: 0,
  itemsCleaned: 0,
  space: { returnedBytes: 0, reusableBytes: 0, estimatedBytes: 0 },
  errorCode: null,
  errorMessage: null,
  progress: null,
  cursors: {},
  log: [],
  details: {},
};
/** How far it is. */
export const pulse: RunPulse = {
  itemsProcessed: 3,
  itemsCleaned: 2,
  progress: {
    state: 'paused',
    pausedBy: ['event_loop_delay'],
    pauses: [{ signal: 'event_loop_delay', unit: 'ms', times: 2, seconds: 3.5, worst: 812 }],
    target: 'table:main.t',
    planned: 10,
    seen: 3,
    cleaned: 2,
    batches: 1,
    itemsPerSecond: 0.5,
    etaSeconds: 16,
    targets: [{ target: 'table:main.t', planned: 10, seen: 3, settled: 2, bytes: 4_096, seconds: 4 }],
    updatedAt: 1_500,
  },
  cursors: { 'table:main.t': { cursor: ['9007199254740993'] }, 'table:main.u': { done: true } },
  log: [{ at: 1_400, message: 'a line' }],
};
/** How it ended. */
export const ended: RunOutcome = {
  ...pulse,
  status: 'completed',
  stopReason: 'items',
  endedAt: 2_000,
  itemsProcessed: 7,
  itemsCleaned: 5,
  space: { returnedBytes: 2 ** 40, reusableBytes: 2 ** 41, estimatedBytes: 1 },
  errorCode: null,
  errorMessage: null,
  details: { policies: [{ name: 'é"\u0000' }] },
};
/** A plan. */
export const plan: KeptPlan = {
  id: newId(),
  tenantId: '',
  task: 'log_rotation',
  scopeId: 'host-1',
  actor: 'user:1',
  parameters: { dry_run: true },
  plan: { targets: [], warnings: ['é'] },
  asOf: 1_000,
  createdAt: 1_100,
  expiresAt: 9_000,
  appliedBy: null,
};

/** Pruning by one that nobody hinders. */
export const alone = (): Pruning => ({
  clock: systemClock,
  signal: new AbortController().signal,
  confirm: () => Promise.resolve(),
});
