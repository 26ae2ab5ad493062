import type { MemoryTables } from '@dotmac/core';
import type { KeptSchedule } from '../../schedule/schedule.js';
import { openOutcomes, waitingOutcomes, type SlotKey, type SlotRecord, type SlotTurn } from '../../schedule/slot.js';
import type { MaintenanceStore, TenantSchedules, TenantSlots } from '../store.js';

const keyOf = (...parts: (string | number)[]): string => JSON.stringify(parts);
const isOpen = ({ outcome }: SlotRecord): boolean => (openOutcomes as readonly string[]).includes(outcome);
const waits = ({ outcome }: SlotRecord): boolean => (waitingOutcomes as readonly string[]).includes(outcome);
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const newestFirst = (a: SlotRecord, b: SlotRecord): number => b.slotAt - a.slotAt || byText(b.scopeId, a.scopeId);

/** The tables of schedules and their slots. */
export interface ScheduleTables {
  schedules: Map<string, KeptSchedule>;
  slots: Map<string, SlotRecord>;
}

const isAsSeen = (known: SlotRecord, seen: SlotRecord): boolean =>
  known.outcome === seen.outcome &&
  known.instance === seen.instance &&
  known.attempts === seen.attempts &&
  known.endedAt === seen.endedAt;
const given = <Change extends object>(change: Change): Change =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Change;

const slotKey = (tenantId: string, { schedule, scopeId, slotAt }: SlotKey): string =>
  keyOf(tenantId, schedule, scopeId, slotAt);

/** Has a slot name the run that begins for it; false when it is not that process's, or not open. */
export function beginSlot(
  slots: ScheduleTables['slots'],
  tenantId: string,
  { instance, attempts, ...slot }: SlotTurn,
  runId: string,
): boolean {
  const key = slotKey(tenantId, slot);
  const known = slots.get(key);
  if (!known || known.instance !== instance || !isOpen(known)) return false;
  slots.set(key, { ...known, outcome: 'running', runId, attempts });
  return true;
}

/** Schedules and their slots, within this process. */
export function memorySchedules(tables: MemoryTables<ScheduleTables & Record<string, Map<string, never>>>) {
  let revision = 0;
  const copy = <Value>(value: Value): Promise<Value> => Promise.resolve(structuredClone(value));

  const schedules = (tenantId: string): TenantSchedules => {
    const own = (): KeptSchedule[] =>
      [...tables.read.schedules.values()]
        .filter((it) => it.tenantId === tenantId && it.deletedAt === null)
        .sort((a, b) => byText(a.name, b.name));
    return {
      get: (name) => copy(own().find((it) => it.name === name) ?? null),
      list: ({ limit, after = '' }) =>
        copy(
          own()
            .filter(({ name, definition }) => name > after && definition !== null)
            .slice(0, limit),
        ),
      inCode: () => copy(own().filter(({ definition }) => definition === null)),
      write: (name, change) =>
        tables.transaction((write) => {
          const known = own().find((it) => it.name === name) ?? null;
          const count = own().filter(({ definition }) => definition !== null).length;
          const changed = structuredClone(change(structuredClone(known), count));
          const kept = { ...changed, tenantId, name, revision: ++revision };
          write.schedules.set(keyOf(tenantId, name), kept);
          return structuredClone(kept);
        }),
    };
  };

  const slots = (tenantId: string): TenantSlots => {
    const key = (slot: SlotKey): string => slotKey(tenantId, slot);
    const of = (schedule: string): SlotRecord[] =>
      [...tables.read.slots.values()]
        .filter((it) => it.tenantId === tenantId && it.schedule === schedule)
        .sort(newestFirst);
    return {
      claim: (slot) =>
        tables.transaction((write) => {
          if (write.slots.has(key(slot))) return false;
          write.slots.set(key(slot), structuredClone({ ...slot, tenantId }));
          return true;
        }),
      change: (slot, instance, change) =>
        tables.transaction((write) => {
          const known = write.slots.get(key(slot));
          if (!known || known.instance !== instance || !isOpen(known)) return false;
          write.slots.set(key(slot), { ...known, ...given(change) });
          return true;
        }),
      changeLeft: (seen, change) =>
        tables.transaction((write) => {
          const known = write.slots.get(key(seen));
          if (!known || !waits(known) || !isAsSeen(known, seen)) return false;
          write.slots.set(key(seen), { ...known, ...given(change) });
          return true;
        }),
      at: (schedule, slotAt) => copy(of(schedule).filter((it) => it.slotAt === slotAt).reverse()), // prettier-ignore
      latest: (schedule, scopeId, until) =>
        Promise.resolve(of(schedule).find((it) => it.scopeId === scopeId && it.slotAt <= until)?.slotAt ?? null),
      list: ({ schedule, limit, after }) =>
        copy(
          of(schedule)
            .filter((it) => !after || newestFirst(it, { ...it, ...after }) > 0)
            .slice(0, limit),
        ),
    };
  };

  return {
    schedules,
    slots,
    scheduleRevision: () => Promise.resolve(revision),
    schedulesSince: (since, limit) =>
      copy(
        [...tables.read.schedules.values()]
          .filter((it) => it.revision > since)
          .sort((a, b) => a.revision - b.revision)
          .slice(0, limit),
      ),
    openSlots: (limit) => copy([...tables.read.slots.values()].filter(isOpen).slice(0, limit)),
    prune: (before: number) =>
      tables.transaction(({ slots, schedules }) => {
        const known = slots.size + schedules.size;
        for (const [key, { nextAt }] of [...slots]) if (nextAt < before) slots.delete(key);
        for (const [key, { deletedAt }] of [...schedules])
          if (deletedAt !== null && deletedAt < before) schedules.delete(key);
        return known - slots.size - schedules.size;
      }),
  } satisfies Pick<MaintenanceStore, 'schedules' | 'slots' | 'scheduleRevision' | 'schedulesSince' | 'openSlots'> & {
    prune(before: number): Promise<number>;
  };
}
