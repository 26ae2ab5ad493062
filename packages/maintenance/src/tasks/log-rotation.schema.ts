import { z } from 'zod';
import { withControls } from './controls.js';
import { days, policies, policyOutcome } from './parameters.js';

/** What a request may say to `log_rotation`. */
export const logRotationParameters = withControls(
  z.object({
    policies,
    maxSizeMb: z.number().positive().max(1_000_000).default(10).describe('Rotate logs larger than this'),
    maxAgeDays: days.default(30).describe('Rotate logs last written before this'),
    compressOldLogs: z.boolean().default(true).describe('Compress rotated logs with gzip'),
  }),
).meta({ id: 'LogRotationParameters' });

/** What `log_rotation` reports. */
export const logRotationDetails = z.object({
  policies: z.array(
    z.object({
      policy: z.string(),
      outcome: policyOutcome,
      seen: z.number().int(),
      rotated: z.number().int(),
      compressed: z.number().int(),
      deleted: z.number().int(),
      growing: z.number().int().describe('Not compressed because they were still being written'),
      bytesFreed: z.number().int(),
    }),
  ),
});
