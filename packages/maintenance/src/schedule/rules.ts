import { z } from 'zod';
import { allowedWindow } from '../windows/allowed-window.js';

const [second, hour, day] = [1_000, 3_600_000, 86_400_000];
const whole = (least: number, most: number) => z.number().int().min(least).max(most);

const fields = {
  cron: z
    .string()
    .max(200)
    .nullable()
    .meta({ description: 'When it comes due: five fields, or six with seconds first', examples: ['0 3 * * *'] }),
  everyMs: whole(second, 366 * day)
    .nullable()
    .meta({ description: 'It comes due at the multiples of this, counted from 1970, instead of by cron' }),
  timeZone: z
    .string()
    .max(64)
    .meta({ description: 'The time zone of cron and windows', examples: ['Europe/Berlin'] }),
  jitterMs: whole(0, day).meta({
    description: 'It begins up to so much after it comes due, and before it comes due again',
  }),
  jitter: z.enum(['stable', 'random']).meta({ description: 'By the same each time, or by another each time' }),
  overlap: z.enum(['skip', 'queue', 'cancel']).meta({
    description: 'While another run of its task is at it: leave the slot out, let one slot wait, or cancel that run',
  }),
  catchUp: z
    .enum(['skip', 'once', 'all'])
    .meta({ description: 'Of slots that were missed while nobody looked: none, the last, or all' }),
  catchUpMax: whole(1, 100).meta({ description: 'As many at most, with `all`' }),
  graceMs: whole(0, day)
    .nullable()
    .meta({ description: 'How late a missed slot may run; by default half of the time to the next, at most 6 hours' }),
  windows: z.array(allowedWindow).max(20).meta({ description: 'When it may begin; empty: always' }),
  outsideWindow: z.enum(['wait', 'skip']).meta({
    description: 'A slot outside of the windows waits for the next, unless another slot comes before, or not',
  }),
  timeoutMs: whole(second, 7 * day)
    .nullable()
    .meta({ description: 'A run that takes longer is cancelled' }),
  retries: whole(0, 10).meta({ description: 'How often a run that failed is begun again' }),
  retryAfterMs: whole(second, hour).meta({
    description: 'The wait before the first; each further one is twice as long',
  }),
};

/** When a schedule comes due, and what else is to hold. */
export const scheduleRules = z.object({
  cron: fields.cron.default(null),
  everyMs: fields.everyMs.default(null),
  timeZone: fields.timeZone.default('UTC'),
  jitterMs: fields.jitterMs.default(0),
  jitter: fields.jitter.default('stable'),
  overlap: fields.overlap.default('skip'),
  catchUp: fields.catchUp.default('once'),
  catchUpMax: fields.catchUpMax.default(10),
  graceMs: fields.graceMs.default(null),
  windows: fields.windows.default([]),
  outsideWindow: fields.outsideWindow.default('wait'),
  timeoutMs: fields.timeoutMs.default(null),
  retries: fields.retries.default(0),
  retryAfterMs: fields.retryAfterMs.default(60_000),
});

/** What can be changed of them. */
export const ruleChanges = z.object(fields).partial();

/** @see scheduleRules */
export type ScheduleRules = z.output<typeof scheduleRules>;
/** {@link scheduleRules} as they are written, defaults left out. */
export type ScheduleRulesDraft = z.input<typeof scheduleRules>;
