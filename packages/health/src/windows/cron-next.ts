import { readCron } from '@dotmac/core';

/** The first instant after `after` (epoch ms) that five fields of cron mean; undefined when there is none, or no sense. */
export function cronNext(expression: string, timeZone: string, after: number): number | undefined {
  if (expression.trim().split(/\s+/).length !== 5) return undefined;
  try {
    return readCron(expression, { timeZone }).next(after) ?? undefined;
  } catch {
    return undefined;
  }
}
