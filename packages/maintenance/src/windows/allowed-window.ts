import { z } from 'zod';

/** From Sunday, as `Date` counts them. */
export const weekDays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const timeOfDay = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'A time from 00:00 to 24:00 is expected')
  .meta({ examples: ['02:00'] });

/** A time in which scheduled work may begin; one that ends before it begins goes on into the next day. */
export const allowedWindow = z
  .object({
    days: z
      .array(z.enum(weekDays))
      .min(1)
      .max(7)
      .default([...weekDays])
      .meta({ description: 'On which it begins' }),
    from: timeOfDay.meta({ description: 'As the clocks of the schedule’s time zone show it' }),
    until: timeOfDay.meta({ description: 'Exclusive' }),
  })
  .refine(({ from, until }) => from !== until && from !== '24:00', { message: 'A window has a beginning, then an end' })
  .meta({ id: 'AllowedWindow' });

/** @see allowedWindow */
export type AllowedWindow = z.output<typeof allowedWindow>;
