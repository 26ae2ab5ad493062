import type { ScheduleRules, ScheduleRulesDraft } from './rules.js';

/** When a task runs by itself. Written in code by the host; those made over HTTP are kept in the store. */
export interface Schedule extends ScheduleRulesDraft {
  /** Unique among the schedules of its tenant; 1 to 64 letters, digits, `.`, `_` or `-`. */
  name: string;
  /** The type of the task. */
  task: string;
  /** On whose behalf, and with whose policies. */
  tenantId: string;
  /** The task's parameters, camelCase. */
  parameters?: Record<string, unknown>;
}

/** What a schedule in the store does. */
export interface ScheduleDefinition {
  /** The type of the task. */
  task: string;
  /** In wire form. */
  parameters: Record<string, unknown>;
  rules: ScheduleRules;
}

/** A schedule as stores keep it; of those in code only whether they are paused. */
export interface ScheduleRecord {
  tenantId: string;
  name: string;
  /** Null for a schedule in code. */
  definition: ScheduleDefinition | null;
  /** Counts its changes, from 1. */
  version: number;
  pausedAt: number | null;
  /** Slots from before are nobody's: when it was made, changed or resumed. */
  effectiveAt: number;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** A {@link ScheduleRecord} that is kept; later changes of any schedule have greater revisions. */
export type KeptSchedule = ScheduleRecord & { revision: number };
