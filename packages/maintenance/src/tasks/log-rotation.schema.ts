import { z } from 'zod';
import { withControls } from './controls.js';
import { days, policies, policyOutcome } from './parameters.js';

/** What a request may say to `log_rotation`. */
export const logRotationParameters = withControls(
  z.object({
    policies,
    maxSizeMb: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe('Rotate logs larger than this. Default the policy’s own; else 10, unless it goes by the calendar'),
    maxAgeDays: days
      .optional()
      .describe(
        'Rotate logs last written before this. Default the policy’s own; else 30, unless it goes by the calendar',
      ),
    compressOldLogs: z.boolean().optional().describe('Compress rotated logs. Default as the policy says; else true'),
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
      growing: z.number().int().describe('Not compressed because a process had them open, or wrote to them'),
      odd: z.number().int().describe('Left alone: links, pipes, files of several names'),
      bytesFreed: z.number().int().describe('On the disk; negative when a copy took more than compressing gave'),
    }),
  ),
});
