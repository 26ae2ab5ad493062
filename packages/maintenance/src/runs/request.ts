import type { ScopeIdentity } from '@dotmac/core';
import type { SlotTurn } from '../schedule/slot.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';
import type { Run } from './run.js';

/** Which run is wanted. The parameters are checked already. */
export interface RunRequest {
  identity: ScopeIdentity;
  task: AnyMaintenanceTask;
  /** As the task's schema has them. */
  parameters: unknown;
  trigger: Run['trigger'];
  schedule?: string;
  /** The slot of the schedule that it is for. */
  slot?: SlotTurn;
  /** The run that this one goes on from. */
  resumes?: Run;
  /** The plan that is applied: ages are counted from `asOf`, its instant. */
  plan?: { id: string; asOf: number };
  /** Somebody confirmed that more may go than may go unasked. */
  confirmed?: boolean;
  /** The window in which it may run closes then. Epoch ms. */
  until?: number;
  /** The run's: who asks again by the same has the one that was kept before unheard. Default a new one. */
  id?: string;
  /** Holds the task's lease: who asks again by the same has what he was given before unheard. Default the run's id. */
  owner?: string;
  /** Asked under the lease, before the run is there. What it throws, `begin` throws. */
  claim?: (signal: AbortSignal) => Promise<void>;
}
