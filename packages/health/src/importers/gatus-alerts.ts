import { z } from 'zod';

const alert = z.looseObject({
  type: z.string().optional(),
  enabled: z.boolean().optional(),
  'failure-threshold': z.int().positive().optional(),
  'success-threshold': z.int().positive().optional(),
});

/** The alerts of an endpoint of Gatus. */
export const gatusAlerts = z.array(alert).nullish();

/** What a kind of alert says where an endpoint does not, by kind. */
export const gatusAlerting = z.record(z.string(), z.unknown()).nullish();

/** Results in a row that Gatus waits for. */
export interface Thresholds {
  failures: number;
  successes: number;
}

const ofProvider = z.looseObject({ 'default-alert': alert });

/** What the alert that speaks first waits for; undefined when none is to speak. */
export function thresholdsOf(
  alerts: z.output<typeof gatusAlerts>,
  alerting: z.output<typeof gatusAlerting>,
): Thresholds | undefined {
  const [first] = (alerts ?? [])
    .map((given) => ({ ...ofProvider.safeParse(alerting?.[given.type ?? '']).data?.['default-alert'], ...given }))
    .filter(({ enabled }) => enabled !== false)
    // The defaults are Gatus's own.
    .map((it) => ({ failures: it['failure-threshold'] ?? 3, successes: it['success-threshold'] ?? 2 }))
    .toSorted((one, other) => one.failures - other.failures);
  return first;
}
