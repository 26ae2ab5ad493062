import type { Clock, Emitter, ScopeIdentity } from '@dotmac/core';
import { maintenanceEvents, type MaintenanceEvents } from '../events.js';
import type { Run } from './run.js';

/** Tells who listens what became of a run. */
export function announcer(events: Emitter<MaintenanceEvents>, clock: Pick<Clock, 'now'>) {
  /** `slotAt`: the instant that its schedule meant. */
  return (identity: ScopeIdentity, run: Run, slotAt?: number): void => {
    const about = { ...identity, subject: run.id, at: clock.now() };
    const data = { runId: run.id, task: run.task };
    const { status, stopReason, itemsProcessed, itemsCleaned, space } = run;
    const durationMs = Math.max(0, (run.endedAt ?? run.startedAt) - run.startedAt);
    const { returnedBytes, reusableBytes, estimatedBytes } = space;
    const counts = { itemsProcessed, itemsCleaned, bytesFreed: returnedBytes, durationMs };
    const how = { stopReason: stopReason ?? 'drained', dryRun: run.dryRun };
    const more = { bytesReusable: reusableBytes, bytesEstimated: estimatedBytes };
    if (status === 'running') {
      const lagMs = slotAt === undefined ? null : Math.max(0, run.startedAt - slotAt);
      const begun = { ...data, trigger: run.trigger, lagMs };
      events.emit(maintenanceEvents.create('maintenance.run_started', { ...about, data: begun }));
    } else if (status === 'failed') {
      const why = { code: run.errorCode ?? 'INTERNAL', message: run.errorMessage ?? '' };
      events.emit(
        maintenanceEvents.create('maintenance.run_failed', { ...about, data: { ...data, ...why, ...how, ...counts } }),
      );
    } else {
      events.emit(
        maintenanceEvents.create('maintenance.run_completed', {
          ...about,
          data: { ...data, status, ...how, ...more, ...counts },
        }),
      );
    }
  };
}
