import type { Clock, Emitter, ScopeIdentity } from '@dotmac/core';
import { maintenanceEvents, type MaintenanceEvents } from '../events.js';
import type { Run } from './run.js';

/** Tells who listens what became of a run. */
export function announcer(events: Emitter<MaintenanceEvents>, clock: Pick<Clock, 'now'>) {
  return (identity: ScopeIdentity, run: Run): void => {
    const about = { ...identity, subject: run.id, at: clock.now() };
    const data = { runId: run.id, task: run.task };
    const { status, stopReason, itemsProcessed, itemsCleaned, space } = run;
    if (status === 'running')
      events.emit(
        maintenanceEvents.create('maintenance.run_started', { ...about, data: { ...data, trigger: run.trigger } }),
      );
    else if (status === 'failed') {
      const why = { code: run.errorCode ?? 'INTERNAL', message: run.errorMessage ?? '' };
      events.emit(maintenanceEvents.create('maintenance.run_failed', { ...about, data: { ...data, ...why } }));
    } else {
      const durationMs = (run.endedAt ?? run.startedAt) - run.startedAt;
      const counts = { itemsProcessed, itemsCleaned, bytesFreed: space.returnedBytes, durationMs };
      const how = { status, stopReason: stopReason ?? 'drained' };
      events.emit(
        maintenanceEvents.create('maintenance.run_completed', { ...about, data: { ...data, ...how, ...counts } }),
      );
    }
  };
}
