import { Cron } from 'croner';

/** Whether there is a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The first instant after `after` (epoch ms) that five fields of cron mean; undefined when there is none, or no sense. */
export function cronNext(expression: string, timeZone: string, after: number): number | undefined {
  if (expression.trim().split(/\s+/).length !== 5) return undefined;
  try {
    // Paused: croner only reckons here.
    return new Cron(expression, { timezone: timeZone, paused: true }).nextRun(new Date(after))?.getTime();
  } catch {
    return undefined;
  }
}
