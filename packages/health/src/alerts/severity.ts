import { z } from 'zod';
import { incidentSeverity } from '../incidents/incident.js';

/** How bad something is that people are told of: an incident, or a budget that burns; the worse of its kind later. */
export const alertSeverity = z.enum([...incidentSeverity.options, 'ticket', 'page']);
/** @see alertSeverity */
export type AlertSeverity = z.output<typeof alertSeverity>;

/** Whether one severity is worse than another of its kind. */
export function isWorse(one: AlertSeverity, other: AlertSeverity): boolean {
  return alertSeverity.options.indexOf(one) > alertSeverity.options.indexOf(other);
}
