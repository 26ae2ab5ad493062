import { isDeepStrictEqual } from 'node:util';
import type { Clock, ScopeIdentity } from '@dotmac/core';
import { invalidInput, pageAfter, readDraft, type Page } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { ScopeIds } from '../runs/lease-keys.js';
import { resultOf } from '../runs/result.js';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceResult } from '../runs/schemas.js';
import { detached } from '../runs/service.js';
import type { MaintenanceStore } from '../store/store.js';
import type { TaskChooser } from '../tasks/choose.js';
import { reasonOf } from './check-schedules.js';
import { explainSlot, explainUnfit, slotViewOf } from './explain.js';
import { planKept, scheduleKey, type PlannedSchedule } from './planned.js';
import { lastSlots } from './last-slots.js';
import type { Roster } from './roster.js';
import { scheduleRules } from './rules.js';
import type { KeptSchedule, ScheduleDefinition, ScheduleRecord } from './schedule.js';
import {
  scheduleChanges,
  scheduleInput,
  slotsQuery,
  type MaintenanceSchedule,
  type ScheduleChanges,
  type ScheduleInput,
  type SchedulePreview,
  type SlotExplanation,
  type SlotView,
} from './schemas.js';
import { shownInCode, shownKept } from './show.js';
import { localTime, nextFirings } from './simulate.js';
import { faultsOfRules, timetableOf, type Timetable } from './timetable.js';

/** The schedules of one tenant: those in code, and those made here. */
export interface ScheduleService {
  /** @throws INVALID_INPUT, POLICY_UNDERCUT, SCHEDULE_NAME_TAKEN, SCHEDULE_LIMIT_REACHED */
  create(draft: ScheduleInput): Promise<MaintenanceSchedule>;
  /** @throws SCHEDULE_NOT_FOUND */
  get(name: string): Promise<MaintenanceSchedule>;
  /** By name. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<MaintenanceSchedule>>;
  /** @throws INVALID_INPUT, POLICY_UNDERCUT, SCHEDULE_NOT_FOUND, SCHEDULE_IN_CODE, SCHEDULE_CHANGED */
  update(name: string, changes: ScheduleChanges): Promise<MaintenanceSchedule>;
  /** Slots that come due are left out from now on, in all processes. @throws SCHEDULE_NOT_FOUND */
  pause(name: string): Promise<MaintenanceSchedule>;
  /** Slots of the pause stay left out. @throws SCHEDULE_NOT_FOUND */
  resume(name: string): Promise<MaintenanceSchedule>;
  /** Begins a run, as its slots do. @throws SCHEDULE_NOT_FOUND, SCHEDULE_UNFIT, POLICY_UNDERCUT, TASK_ALREADY_RUNNING */
  run(name: string): Promise<MaintenanceResult>;
  /** Its next slots that begin. @throws SCHEDULE_NOT_FOUND, SCHEDULE_UNFIT */
  preview(name: string, ask?: { count?: number }): Promise<SchedulePreview>;
  /** What became of its slots, the newest first. @throws SCHEDULE_NOT_FOUND */
  slots(name: string, ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<SlotView>>;
  /**
   * Why a slot did not run, or that it did.
   * @param slotAt epoch ms; default the last that came due
   * @throws SCHEDULE_NOT_FOUND
   */
  explainSkip(name: string, slotAt?: number): Promise<SlotExplanation>;
  /** @throws SCHEDULE_NOT_FOUND, SCHEDULE_IN_CODE */
  remove(name: string): Promise<{ message: string }>;
}

/** What the service works with. */
export interface ScheduleServiceParts {
  identity: ScopeIdentity;
  store: MaintenanceStore;
  runner: Runner;
  roster: Roster;
  chooser: TaskChooser;
  scopeIds: ScopeIds;
  clock: Pick<Clock, 'now'>;
  /** This process in the ledger; null when it fires nothing. */
  instance(): string | null;
  maxSchedules: number;
  historyMs: number;
}

/** Ten years: what came due before is nobody's concern. */
const longestBackMs = 10 * 366 * 86_400_000;

type Known = { planned: PlannedSchedule; kept: KeptSchedule | null } | { fault: string; kept: KeptSchedule };

/** @see ScheduleService */
export function createScheduleService(parts: ScheduleServiceParts): ScheduleService {
  const { identity, store, runner, roster, chooser, scopeIds, clock, maxSchedules } = parts;
  const { tenantId } = identity;
  const own = store.schedules(tenantId);
  const notFound = (name: string): Error => maintenanceErrors.SCHEDULE_NOT_FOUND({ name });

  const knownOf = (kept: KeptSchedule): Known => {
    try {
      return { planned: planKept(kept, kept.definition as ScheduleDefinition, chooser, scopeIds), kept };
    } catch (error) {
      return { fault: reasonOf(error), kept };
    }
  };
  const known = async (name: string): Promise<Known> => {
    await roster.refresh();
    const planned = roster.get(scheduleKey(tenantId, name));
    const inCode = planned?.origin === 'code';
    const kept = inCode ? null : await own.get(name);
    if (inCode) return { planned, kept };
    if (!kept?.definition) throw notFound(name);
    return knownOf(kept);
  };
  const plannedOf = async (name: string): Promise<PlannedSchedule> => {
    const found = await known(name);
    if ('planned' in found) return found.planned;
    throw maintenanceErrors.SCHEDULE_UNFIT({ name, fault: found.fault });
  };
  const show = (it: Known): MaintenanceSchedule =>
    it.kept
      ? shownKept(it.kept, it, clock.now())
      : shownInCode((it as { planned: PlannedSchedule }).planned, clock.now());
  const changed = async (name: string, change: Parameters<typeof own.write>[1]): Promise<MaintenanceSchedule> => {
    await own.write(name, change);
    return show(await known(name));
  };
  /** @throws INVALID_INPUT, POLICY_UNDERCUT */
  const checked = (definition: ScheduleDefinition): ScheduleDefinition => {
    chooser.fromWire(definition.task, definition.parameters);
    const issues = faultsOfRules(definition.rules);
    if (issues.length > 0) throw invalidInput(issues);
    return definition;
  };
  const refuseInCode = (name: string): void => {
    if (roster.isInCode(tenantId, name)) throw maintenanceErrors.SCHEDULE_IN_CODE({ name });
  };
  /** For those in code whether they are paused is all that is kept. */
  const setPaused = async (name: string, paused: boolean): Promise<MaintenanceSchedule> => {
    const now = clock.now();
    const state = { pausedAt: paused ? now : null, updatedAt: now };
    return changed(name, (kept) => {
      const inCode = roster.isInCode(tenantId, name);
      if (!kept && !inCode) throw notFound(name);
      const first = { tenantId, name, definition: null, version: 0, pausedAt: null, effectiveAt: now, createdAt: now };
      const before = kept ?? { ...first, updatedAt: now, deletedAt: null };
      if (kept && (kept.pausedAt !== null) === paused) return kept;
      const effectiveAt = paused ? before.effectiveAt : now;
      return { ...before, ...state, effectiveAt, version: before.version + 1 };
    });
  };

  return {
    async create(draft) {
      const { name, maintenanceType: task, parameters, ...rules } = readDraft(scheduleInput, draft);
      const definition = checked({ task, parameters, rules });
      if (roster.isInCode(tenantId, name)) throw maintenanceErrors.SCHEDULE_NAME_TAKEN({ name });
      const now = clock.now();
      const times = { effectiveAt: now, createdAt: now, updatedAt: now, deletedAt: null };
      return changed(name, (kept, count): ScheduleRecord => {
        if (kept?.definition) throw maintenanceErrors.SCHEDULE_NAME_TAKEN({ name });
        if (count >= maxSchedules) throw maintenanceErrors.SCHEDULE_LIMIT_REACHED({ limit: maxSchedules });
        return { tenantId, name, definition, version: 1, pausedAt: null, ...times };
      });
    },
    get: async (name) => show(await known(name)),
    async list({ limit = 50, cursor } = {}) {
      await roster.refresh();
      const coded = [...roster.all()].filter(
        (it) => it.tenantId === tenantId && it.origin === 'code' && (cursor === undefined || it.name > cursor),
      );
      const kept = await own.list({ limit: limit + 1, after: cursor });
      const visible = kept.filter(({ name }) => !roster.isInCode(tenantId, name)).map(knownOf);
      const all = [...coded.map((planned): Known => ({ planned, kept: null })), ...visible].map(show);
      const items = all.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
      return { items, nextCursor: all.length > limit ? (items.at(-1)?.name ?? null) : null };
    },
    async update(name, draft) {
      refuseInCode(name);
      const { maintenanceType, parameters, version, ...changes } = readDraft(scheduleChanges, draft);
      const now = clock.now();
      return changed(name, (kept) => {
        if (!kept?.definition) throw notFound(name);
        if (version !== undefined && version !== kept.version) throw maintenanceErrors.SCHEDULE_CHANGED({ name });
        const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
        const before = { ...kept.definition, rules: scheduleRules.parse(kept.definition.rules) };
        const definition = checked({
          task: maintenanceType ?? before.task,
          parameters: parameters ?? before.parameters,
          rules: scheduleRules.parse({ ...before.rules, ...given }),
        });
        // What stays as it is forgets none of its slots.
        if (isDeepStrictEqual(definition, before)) return kept;
        return { ...kept, definition, version: kept.version + 1, effectiveAt: now, updatedAt: now };
      });
    },
    pause: (name) => setPaused(name, true),
    resume: (name) => setPaused(name, false),
    async run(name) {
      const { task, parameters, refusal } = await plannedOf(name);
      if (refusal) throw refusal;
      return resultOf(detached(await runner.begin({ identity, task, parameters, trigger: 'request', schedule: name })));
    },
    async preview(name, { count = 10 } = {}) {
      const { timetable, effectiveAt } = await plannedOf(name);
      const firings = nextFirings(timetable, clock.now(), count, effectiveAt ?? 0);
      return { items: firings.map((it) => ({ ...it, localTime: localTime(it.slotAt, timetable.rules.timeZone) })) };
    },
    async slots(name, { limit = 50, cursor } = {}) {
      await known(name);
      const [, at, scopeId = ''] = /^(\d+):(.*)$/.exec(pageAfter(slotsQuery, cursor) ?? '') ?? [];
      const after = at === undefined ? undefined : { slotAt: Number(at), scopeId };
      const found = await store.slots(tenantId).list({ schedule: name, limit: limit + 1, after });
      const items = found.slice(0, limit).map(slotViewOf);
      const last = found.length > limit ? items.at(-1) : undefined;
      return { items, nextCursor: last ? `${last.slotAt}:${last.scopeId}` : null };
    },
    async explainSkip(name, asked) {
      const found = await known(name);
      const planned = 'planned' in found ? found.planned : timesOf(found.kept);
      const now = clock.now();
      const last = planned ? lastSlots(planned.timetable, now - longestBackMs, now, 1) : [];
      const slotAt = asked ?? last[0] ?? now;
      const records = await store.slots(tenantId).at(name, slotAt);
      const facts = { slotAt, records, now, instance: parts.instance(), keptSince: now - parts.historyMs };
      return 'planned' in found
        ? explainSlot({ ...facts, planned: found.planned })
        : explainUnfit({ ...facts, fault: found.fault, planned });
    },
    async remove(name) {
      refuseInCode(name);
      const now = clock.now();
      await own.write(name, (kept) => {
        if (!kept?.definition) throw notFound(name);
        return { ...kept, deletedAt: now, version: kept.version + 1, updatedAt: now };
      });
      await roster.refresh();
      return { message: `The schedule ${name} was removed.` };
    },
  };
}

/** When a schedule comes due whose task is not known here; null when its rules are not sound. */
function timesOf({ definition, effectiveAt }: KeptSchedule): { timetable: Timetable; effectiveAt: number } | null {
  const { rules } = definition as ScheduleDefinition;
  return faultsOfRules(rules).length > 0 ? null : { timetable: timetableOf(rules, ''), effectiveAt };
}
