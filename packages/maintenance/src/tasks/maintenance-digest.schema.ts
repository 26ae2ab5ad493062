import { z } from 'zod';

/** What a request may say to `maintenance_digest`. */
export const maintenanceDigestParameters = z
  .object({ days: z.number().int().min(1).max(31).default(7).describe('How many days it looks back') })
  .meta({ id: 'MaintenanceDigestParameters' });

/** What `maintenance_digest` reports. */
export const maintenanceDigestDetails = z.object({
  subject: z.string(),
  sentTo: z.array(z.string()).describe('The channels that took it'),
});
