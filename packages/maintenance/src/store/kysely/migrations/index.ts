import type { ModuleMigrations } from '@dotmac/core/kysely';
import { createRuns, indexRunsByStatus, indexRunsByTask } from './0001-runs.js';
import { createSlots } from './0002-slots.js';

/** The tables of maintenance; apply `coreMigrations` first. */
export const maintenanceMigrations: ModuleMigrations = {
  module: 'maintenance',
  migrations: {
    '0001-runs': createRuns,
    '0002-runs-by-task': indexRunsByTask,
    '0003-runs-by-status': indexRunsByStatus,
    '0004-slots': createSlots,
  },
};
