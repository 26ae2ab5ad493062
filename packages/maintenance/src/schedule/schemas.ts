import { z } from 'zod';
import { freeForm, instant, page, pageQueryOf } from '@dotmac/core/contract';
import { ruleChanges, scheduleRules } from './rules.js';
import { slotOutcomes, type SlotOutcome } from './slot.js';

const outcomes = Object.keys(slotOutcomes) as [SlotOutcome, ...SlotOutcome[]];

const aboutName = { description: 'Unique among the schedules of the tenant', examples: ['nightly-cleanup'] };
const name = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/)
  .meta(aboutName);
/** "." and ".." are steps of a path, which clients take before anybody is asked: nobody could remove such a schedule again. */
const newName = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/,
    'A name is 1 to 64 letters, digits, ".", "_" or "-", and neither "." nor ".."',
  )
  .meta(aboutName);
const maintenanceType = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'The type of a task; the status route lists them' });
const parameters = freeForm.meta({ description: 'The task’s own parameters, in snake_case' });

/** The query of the ledger: a page ends with a slot, by when it was due and whose it is. */
export const slotsQuery = pageQueryOf(/^\d{1,16}:.{0,100}$/);

/** What making a schedule takes. */
export const scheduleInput = scheduleRules
  .extend({ name: newName, maintenanceType, parameters: parameters.default({}) })
  .meta({ id: 'MaintenanceScheduleInput' });

/** What can be changed of a schedule. */
export const scheduleChanges = ruleChanges
  .extend({
    maintenanceType: maintenanceType.optional(),
    parameters: parameters.optional(),
    version: z.int().optional().meta({ description: 'Refuse the change when the schedule has another by now' }),
  })
  .meta({ id: 'MaintenanceScheduleChanges' });

/** A slot that is to come. */
const firing = z
  .object({
    slotAt: instant.meta({ description: 'The instant that the rules name' }),
    dueAt: instant.meta({ description: 'With its jitter' }),
    startsAt: instant.nullable().meta({ description: 'When it begins; later than due when it waits for a window' }),
    localTime: z.string().meta({ description: 'The slot, as the clocks of the time zone show it' }),
  })
  .meta({ id: 'MaintenanceFiring' });

/** A schedule. */
export const maintenanceSchedule = scheduleRules
  .extend({
    name,
    maintenanceType,
    parameters,
    origin: z.enum(['code', 'store']).meta({ description: 'Those in code can be paused, and not be changed' }),
    version: z.int(),
    pausedAt: instant.nullable(),
    nextRun: instant.nullable().meta({ description: 'When its next slot begins; null while it is paused' }),
    fault: z.string().nullable().meta({
      description: 'Why the process that answers cannot fire it, or why its runs fail: its policy has become stricter',
    }),
    createdAt: instant.nullable(),
    updatedAt: instant.nullable(),
  })
  .meta({ id: 'MaintenanceSchedule' });

/** A page of schedules. */
export const schedulePage = page(maintenanceSchedule).meta({ id: 'MaintenanceSchedulePage' });

/** What the preview is asked for. */
export const previewQuery = z.object({
  count: z.coerce.number().int().min(1).max(100).default(10).meta({ description: 'How many slots at the most' }),
});

/** Slots that are to come. */
export const schedulePreview = z.object({ items: z.array(firing) }).meta({ id: 'MaintenanceSchedulePreview' });

/** What became of a slot. */
export const slotView = z
  .object({
    slotAt: instant,
    scopeId: z.string().meta({ description: 'The machine or process whose slot it was; empty when all share it' }),
    outcome: z.enum(outcomes),
    message: z.string(),
    instance: z.string().meta({ description: 'The process that took it, the last of several' }),
    runId: z.string().nullable().meta({ description: 'The last of its runs' }),
    attempts: z.int(),
    claimedAt: instant.meta({ description: 'When that process took it' }),
    endedAt: instant.nullable().meta({
      description: 'When it was closed; of one that is open, when its process left it to others',
    }),
  })
  .meta({ id: 'MaintenanceSlot' });

/** A page of slots. */
export const slotPage = page(slotView).meta({ id: 'MaintenanceSlotPage' });

/** Which slot is to be explained. */
export const explanationQuery = z.object({
  slotAt: instant.optional().meta({ description: 'Default: the last that came due' }),
});

const explained = z.object({
  ran: z.boolean(),
  reason: z.enum([...outcomes, 'not_a_slot', 'not_due', 'before_schedule', 'nobody', 'unfit', 'not_kept']).meta({
    description:
      'What became of it; `nobody`: no process was firing schedules; `unfit`: the process that answers cannot, for its task or policy is gone',
  }),
  message: z.string(),
  elected: z.boolean().nullable().meta({ description: 'Whether the process that answers had taken it' }),
});

const slotPart = explained.extend({
  scope: z
    .enum(['cluster', 'host', 'process'])
    .meta({ description: 'Whose things: of all, of a machine, of a process' }),
});

/** Why a slot did not run, or that it did; of several parts, by the first that did not, or did not complete. */
export const slotExplanation = explained
  .extend({
    slotAt: instant,
    parts: z.array(slotPart).meta({
      description: 'Each scope by itself, where its task is about things of several; none when it is not known of what',
    }),
    slots: z
      .array(slotView)
      .meta({ description: 'The lines of the ledger, one for each machine or process it was of' }),
  })
  .meta({ id: 'MaintenanceSlotExplanation' });

/** {@link scheduleInput} as a caller writes it, defaults left out. */
export type ScheduleInput = z.input<typeof scheduleInput>;
/** @see scheduleChanges */
export type ScheduleChanges = z.input<typeof scheduleChanges>;
/** @see maintenanceSchedule */
export type MaintenanceSchedule = z.output<typeof maintenanceSchedule>;
/** @see firing */
export type SchedulePreview = z.output<typeof schedulePreview>;
/** @see slotView */
export type SlotView = z.output<typeof slotView>;
/** What is said of one part of a slot. */
export type SlotPart = z.output<typeof slotPart>;
/** @see slotExplanation */
export type SlotExplanation = z.output<typeof slotExplanation>;
