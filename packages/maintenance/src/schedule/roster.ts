import type { Clock, Logger } from '@dotmac/core';
import type { ScopeIds } from '../runs/lease-keys.js';
import type { MaintenanceStore } from '../store/store.js';
import type { TaskChooser } from '../tasks/choose.js';
import { reasonOf } from './check-schedules.js';
import { planKept, scheduleKey, withState, type PlannedSchedule } from './planned.js';
import type { KeptSchedule, ScheduleDefinition } from './schedule.js';

/** The schedules of all tenants, as this process knows them: those in code, and those in the store. */
export interface Roster {
  /** Takes up what was changed, here or elsewhere, unless it looked within the last `freshMs` (default 0). */
  refresh(freshMs?: number): Promise<void>;
  get(key: string): PlannedSchedule | undefined;
  all(): Iterable<PlannedSchedule>;
  /** Is a name one of those in code? */
  isInCode(tenantId: string, name: string): boolean;
  /** Calls `told` with the key of each schedule that is another from now on, or none any more. */
  onChange(told: (key: string) => void): void;
}

/** What a roster is made of. */
export interface RosterParts {
  store: MaintenanceStore;
  inCode: readonly PlannedSchedule[];
  chooserOf(tenantId: string): TaskChooser;
  scopeIds: ScopeIds;
  clock: Pick<Clock, 'monotonic'>;
  logger: Logger;
}

/** Rows of one reading. */
const atOnce = 500;

/** @see Roster */
export function createRoster({ store, inCode, chooserOf, scopeIds, clock, logger }: RosterParts): Roster {
  const coded = new Map(inCode.map((it) => [scheduleKey(it.tenantId, it.name), it]));
  const known = new Map(coded);
  let told: (key: string) => void = () => {};
  let revision = 0;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const planned = (kept: KeptSchedule, definition: ScheduleDefinition): PlannedSchedule | undefined => {
    const { tenantId, name } = kept;
    try {
      const found = planKept(kept, definition, chooserOf(tenantId), scopeIds);
      if (found.refusal)
        logger.warn({ tenantId, schedule: name, reason: reasonOf(found.refusal) }, 'a schedule undercuts its policy');
      return found;
    } catch (error) {
      // Its task or policy is gone from the code: other processes may have it still.
      logger.warn({ tenantId, schedule: name, reason: reasonOf(error) }, 'a schedule cannot be fired by this process');
      return undefined;
    }
  };

  const take = (kept: KeptSchedule): void => {
    const key = scheduleKey(kept.tenantId, kept.name);
    const code = coded.get(key);
    const { version, pausedAt, effectiveAt, definition, deletedAt } = kept;
    let now: PlannedSchedule | undefined;
    if (code && definition === null) now = withState(code, { version, pausedAt, effectiveAt });
    else if (code) {
      logger.warn({ tenantId: kept.tenantId, schedule: kept.name }, 'a schedule in code hides one in the store');
      return;
    } else if (definition && deletedAt === null) now = planned(kept, definition);
    if (now) known.set(key, now);
    else if (!known.delete(key)) return;
    told(key);
  };

  const read = async (): Promise<void> => {
    const begunAt = clock.monotonic();
    const latest = await store.scheduleRevision();
    while (revision < latest) {
      const changed = await store.schedulesSince(revision, atOnce);
      for (const kept of changed) take(kept);
      // What is left of removed schedules is pruned some day.
      revision = changed.at(-1)?.revision ?? latest;
    }
    readAt = begunAt;
  };

  return {
    async refresh(freshMs = 0) {
      if (clock.monotonic() - readAt < freshMs) return;
      // Who comes while it is read may have changed something that was read before.
      await reading?.catch(() => undefined);
      if (clock.monotonic() - readAt < freshMs) return;
      reading ??= read().finally(() => (reading = undefined));
      await reading;
    },
    get: (key) => known.get(key),
    all: () => known.values(),
    isInCode: (tenantId, name) => coded.has(scheduleKey(tenantId, name)),
    onChange: (listener) => void (told = listener),
  };
}
