import { instant } from '@dotmac/core/contract';
import { z } from 'zod';

/** Which time figures are of. */
export const figuresQuery = z.object({
  from: instant.optional().meta({ description: 'Default: the first of the month eleven months ago' }),
  to: instant.optional().meta({ description: 'Before this instant. Default: now' }),
});

const month = z.string().meta({ description: 'In UTC', examples: ['2026-11'] });
const medianDays = z.number().nullable().meta({ description: 'To the hour' });
const tenure = z.object({ customers: z.int(), meanDays: z.number().nullable(), medianDays });

/** How customers come, stay and go, reckoned from what happened to them. */
export const customerFigures = z
  .object({
    from: instant,
    to: instant,
    funnel: z
      .object({
        registered: z.int(),
        verified: z.int(),
        onboarding: z.int(),
        active: z.int(),
        medianDaysToActive: medianDays,
      })
      .meta({ description: 'How far those came, until `to`, who registered in this time' }),
    cohorts: z
      .array(
        z.object({
          month,
          registered: z.int(),
          served: z.array(z.int()).meta({
            description:
              'How many were active, suspended, or churning after that, at the end of that month and of each one after it',
          }),
        }),
      )
      .meta({ description: 'By the month of registration' }),
    churn: z.array(
      z.object({
        month,
        servedAtStart: z.int(),
        gained: z.int(),
        lost: z.int(),
        rate: z.number().nullable().meta({ description: '`lost` by `served_at_start`; null without any' }),
      }),
    ),
    tenure: z
      .object({
        ended: tenure.meta({ description: 'Of those who left in this time' }),
        current: tenure.meta({ description: 'Of those who are there at its end' }),
      })
      .meta({ description: 'From becoming active to leaving' }),
  })
  .meta({ id: 'CustomerFigures' });

/** @see customerFigures */
export type CustomerFigures = z.output<typeof customerFigures>;
