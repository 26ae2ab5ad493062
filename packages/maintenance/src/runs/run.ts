/** The states of a run. */
export const runStatuses = ['running', 'completed', 'failed', 'cancelled', 'skipped'] as const;

/** @see runStatuses */
export type RunStatus = (typeof runStatuses)[number];

/** One execution of a task, as stores keep it. */
export interface Run {
  /** UUIDv7: newer runs have greater ids. */
  id: string;
  tenantId: string;
  /** The type of its task. */
  task: string;
  trigger: 'request' | 'schedule';
  /** The schedule that began it. */
  schedule: string | null;
  actor: string;
  status: RunStatus;
  /** Epoch ms. */
  startedAt: number;
  endedAt: number | null;
  itemsProcessed: number;
  itemsCleaned: number;
  bytesFreed: number;
  errorCode: string | null;
  /** Safe to show to the tenant. */
  errorMessage: string | null;
  /** In wire form. */
  details: Record<string, unknown>;
}

/** What ends a run. */
export type RunOutcome = Pick<
  Run,
  'status' | 'itemsProcessed' | 'itemsCleaned' | 'bytesFreed' | 'errorCode' | 'errorMessage' | 'details'
> & { endedAt: number };
