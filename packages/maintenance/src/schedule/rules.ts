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
  /** When it comes due: five fields, or six with seconds first. Either this or `everyMs` is given. */
  cron: fields.cron.default(null),
  /** At the multiples of this since 1970, from a second to 366 days. */
  everyMs: fields.everyMs.default(null),
  /** Of cron and windows, an IANA zone. Default `UTC`. */
  timeZone: fields.timeZone.default('UTC'),
  /** Each slot is due up to so much later, yet before the next; at most a day. Default 0. */
  jitterMs: fields.jitterMs.default(0),
  /** By the same each time, or by another. Default `stable`. */
  jitter: fields.jitter.default('stable'),
  /** While another run of the task is at it: leave the slot out, let one wait, or cancel that run. Default `skip`. */
  overlap: fields.overlap.default('skip'),
  /** Of the slots that were missed: none runs, the last, or all. Default `once`, the last. */
  catchUp: fields.catchUp.default('once'),
  /** With `all`, as many at the most; 1 to 100. Default 10. */
  catchUpMax: fields.catchUpMax.default(10),
  /** How late a missed slot may run, at most a day. Default half of the time to the next, at most 6 hours. */
  graceMs: fields.graceMs.default(null),
  /** When runs may begin. Default always. */
  windows: fields.windows.default([]),
  /** A slot outside of them waits for the next window, or is left out. Default `wait`. */
  outsideWindow: fields.outsideWindow.default('wait'),
  /** A run that takes longer is cancelled; a second to 7 days. Default never. */
  timeoutMs: fields.timeoutMs.default(null),
  /** How often a run that failed is begun again, 0 to 10. Default 0. */
  retries: fields.retries.default(0),
  /** The wait before the first of these; each further one is twice as long. A second to an hour. Default 60,000 ms. */
  retryAfterMs: fields.retryAfterMs.default(60_000),
});

/** What can be changed of them. */
export const ruleChanges = z.object(fields).partial();

/** @see scheduleRules */
export type ScheduleRules = z.output<typeof scheduleRules>;
/** {@link scheduleRules} as they are written, defaults left out. */
export type ScheduleRulesDraft = z.input<typeof scheduleRules>;
