import { onTestFinished } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type MaintenanceModule,
  type MaintenanceOptions,
} from '../../src/index.js';

/** Processes on one store and by one clock, which only the test moves on; they are stopped at its end, unless it lets one die. */
export function processes(startAt = Date.UTC(2026, 0, 1)) {
  const clock = fakeClock(startAt);
  const store = memoryMaintenanceStore({ clock });
  const running = new Set<MaintenanceModule>();
  onTestFinished(async () => {
    for (const it of running) {
      let stopped = false;
      void it.stop().then(() => (stopped = true));
      while (!stopped) await clock.advance(1_000);
    }
  });
  return {
    clock,
    store,
    async begin(options: Partial<MaintenanceOptions>): Promise<MaintenanceModule> {
      const it = createMaintenance({ store, clock, throttle: [], hostId: 'host', ...options });
      running.add(it);
      await it.start();
      return it;
    },
    /** Who is dead is not stopped. */
    forget: (it: MaintenanceModule) => void running.delete(it),
  };
}
