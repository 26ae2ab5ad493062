import { silentLogger, type Clock } from '@dotmac/core';
import { onTestFinished } from 'vitest';
import type { HealthStore } from '../../src/index.js';
import { createRecorder } from '../../src/history/recorder.js';
import { createClockSteps } from '../../src/monitoring/clock-steps.js';
import { createDirectory } from '../../src/monitoring/directory.js';
import { loadEndpoints } from '../../src/monitoring/load-endpoints.js';
import { createMonitor } from '../../src/monitoring/monitor.js';
import type { Term } from '../../src/store/sharing.js';
import { createCalendar } from '../../src/windows/calendar.js';

/** A monitor that probes nothing by itself, and judges and stores what it is told of the endpoints in a store. */
export async function takingOn(store: HealthStore, clock: Clock, term: Term) {
  const directory = createDirectory();
  await loadEndpoints(store, directory);
  const quiet = { clock, logger: silentLogger, metrics: undefined };
  const recorder = createRecorder({
    ...{ store, directory, ...quiet, maxPending: 200_000 },
    ...{ term: () => term, onFenced: () => undefined, publish: () => undefined },
    calendar: createCalendar({ store, clock }),
    rings: { recent: 100, issues: 20 },
  });
  onTestFinished(() => recorder.stop());
  const monitor = createMonitor({
    ...{ directory, recorder, ...quiet, steps: createClockSteps(clock) },
    prepare: () => ({ fault: { code: 'probe_missing', message: 'Nothing is probed here' } }),
    handOver: () => undefined,
    limits: { total: 1, perTenant: 1, perHost: 1 },
  });
  onTestFinished(() => monitor.stop());
  monitor.lead();
  return { directory, recorder, monitor };
}
