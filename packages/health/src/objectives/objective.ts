import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointTag } from '../endpoints/endpoint.js';

/** How loudly a budget that is being spent is told of. */
export const burnAlert = z.enum(['none', 'ticket', 'page']);
/** @see burnAlert */
export type BurnAlert = z.output<typeof burnAlert>;

const fields = {
  name: printable
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'For people', examples: ['API answers'] }),
  target: z
    .number()
    .min(0.5)
    .max(0.99999)
    .meta({ description: 'The share of checks that are to be good', examples: [0.999] }),
  windowDays: z.int().min(1).max(90).meta({ description: 'The days, up to now, that it is reckoned over' }),
  endpointId: id.nullable().meta({ description: 'Of this endpoint; or give a tag' }),
  tag: endpointTag
    .nullable()
    .meta({ description: 'Of all endpoints with this tag together: at most 10,000, and 100 for latency' }),
  indicator: z
    .enum(['availability', 'latency'])
    .meta({ description: 'What makes a check good: that it was answered well, or that it was so in time' }),
  threshold: z
    .number()
    .min(0.001)
    .max(600)
    .nullable()
    .meta({ description: 'Seconds that a good answer takes at most, within 2 %; for latency' }),
  countsMaintenance: z.boolean().meta({
    description:
      'Whether what fails in planned maintenance spends the budget; otherwise it is as if nobody looked then',
  }),
};

/** What making an objective takes. */
export const objectiveInput = z
  .object({
    ...fields,
    windowDays: fields.windowDays.default(28),
    endpointId: fields.endpointId.default(null),
    tag: fields.tag.default(null),
    indicator: fields.indicator.default('availability'),
    threshold: fields.threshold.default(null),
    countsMaintenance: fields.countsMaintenance.default(false),
  })
  .meta({ id: 'ObjectiveInput' });

/** What can be changed of an objective. */
export const objectiveChanges = z.object(fields).partial().meta({ id: 'ObjectiveChanges' });

/** A service level that is to be held. */
export const objective = z
  .object({
    id,
    ...fields,
    alert: burnAlert.meta({ description: 'What was told last of how fast its budget is spent' }),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Objective' });

const rate = z
  .number()
  .nullable()
  .meta({ description: 'How many times as fast as would just last; null: too little is known' });

/** How an objective is doing. */
export const objectiveReport = z
  .object({
    ...objective.shape,
    endpoints: z.int().meta({ description: 'How many endpoints are reckoned' }),
    leftOut: z.int().meta({ description: 'Those with the tag beyond as many as are reckoned, the newest' }),
    attained: z.number().nullable().meta({ description: 'The share of good checks; null when there were none' }),
    checks: z.int().meta({ description: 'Those that found something out' }),
    coverage: z.number().meta({ description: 'The share of the window in which somebody looked' }),
    budget: z.object({
      seconds: z.number().meta({ description: 'How long it may be bad within the window' }),
      spent: z.number().meta({
        description:
          'The share of it that is spent, time at which nobody looked not counted; more than 1 when it was not enough',
      }),
      left: z.number().meta({ description: 'The share of it that is left; negative when it was not enough' }),
    }),
    burnRates: z.array(z.object({ window: z.string(), rate })),
    burning: burnAlert.meta({ description: 'What these rates amount to now' }),
  })
  .meta({ id: 'ObjectiveReport' });

/** {@link objectiveInput} as a caller writes it, defaults left out. */
export type ObjectiveDraft = z.input<typeof objectiveInput>;
/** @see objectiveChanges */
export type ObjectiveChanges = z.input<typeof objectiveChanges>;
/** @see objective */
export type Objective = z.output<typeof objective>;
/** @see objectiveReport */
export type ObjectiveReport = z.output<typeof objectiveReport>;
/** An objective as it is kept. */
export type ObjectiveRecord = Omit<Objective, 'countsMaintenance'> & {
  tenantId: string;
  /** Those from before there was a choice count none. */
  countsMaintenance?: boolean;
  /** The time that its budget burns, while it does. `startedAt` is epoch ms. */
  burn?: { id: string; startedAt: number } | null;
};
