import type { ModuleMigrations } from '@dotmac/core/kysely';
import { runIndexes, runs } from './migrations/0001-runs.js';
import { slots } from './migrations/0003-slots.js';
import { plans, runProgress } from './migrations/0004-plans.js';
import { scheduleIndexes, schedules } from './migrations/0005-schedules.js';
import { runStarts } from './migrations/0009-run-starts.js';
import { planTimes } from './migrations/0010-plan-times.js';
import { planScopes } from './migrations/0011-plan-scopes.js';
import { runScopes } from './migrations/0012-run-scopes.js';
import { slotSuccessors, slotSuccessorTimes } from './migrations/0013-slot-successors.js';

/** What made the tables of maintenance, step by step. */
export const maintenanceMigrations: ModuleMigrations = {
  module: 'maintenance',
  migrations: {
    '0001-runs': runs,
    '0002-run-indexes': runIndexes,
    '0003-slots': slots,
    '0004-plans': plans,
    '0004-run-progress': runProgress,
    '0005-schedules': schedules,
    '0005-schedules-indexes': scheduleIndexes,
    '0009-run-starts': runStarts,
    '0010-plan-times': planTimes,
    '0011-plan-scopes': planScopes,
    '0012-run-scopes': runScopes,
    '0013-slot-successors': slotSuccessors,
    '0014-slot-successor-times': slotSuccessorTimes,
  },
};
