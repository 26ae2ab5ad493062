import { Cron } from 'croner';
import { coreErrors } from '@dotmac/core';

/** When a cron expression comes due. */
export interface CronSlots {
  /** The first slot after `after` (epoch ms); null when there is none. */
  next(after: number): number | null;
}

/**
 * Reads five fields (minute, hour, day of month, month, day of week), in a time zone. When both day fields are
 * restricted, a day that matches either is meant (crontab(5)); only `*` itself does not restrict.
 * @throws INVALID_ARGUMENT when they, or the time zone, are not understood
 */
export function cronSlots(argument: string, expression: string, timeZone = 'UTC'): CronSlots {
  if (expression.trim().split(/\s+/).length !== 5)
    throw coreErrors.INVALID_ARGUMENT({ argument, reason: 'a cron expression has five fields' });
  try {
    // Paused: croner only reckons here; waiting is the clock's.
    const cron = new Cron(expression, { timezone: timeZone, paused: true });
    cron.nextRun(new Date(0));
    return { next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null };
  } catch (error) {
    throw coreErrors.INVALID_ARGUMENT(
      { argument, reason: 'the cron expression or time zone is not understood' },
      { cause: error },
    );
  }
}
