import { z } from 'zod';
import { withControls } from './controls.js';
import { days, policies, policyOutcome } from './parameters.js';

/** Where caches are, the nearest first. */
const cacheTiers = ['memory', 'redis', 'files'] as const;

/** @see cacheTiers */
export type CacheTier = (typeof cacheTiers)[number];

/** What a request may say to `cache_cleanup`. */
export const cacheCleanupParameters = withControls(
  z.object({
    policies,
    redisCleanup: z.boolean().default(true).describe('Treat the Redis keys of the registered patterns'),
    maxAgeDays: days.optional().describe('Files untouched for so long go. Default the policy’s own'),
    tiers: z
      .array(z.enum(cacheTiers))
      .min(1)
      .optional()
      .describe('Caches of these tiers alone: in the memory of processes, in Redis, in files. Default all'),
  }),
).meta({ id: 'CacheCleanupParameters' });

/** How one policy's purge went. */
export const purgeReport = z.object({
  policy: z.string(),
  kind: z.enum(['redis', 'memory', 'directory']),
  outcome: policyOutcome,
  seen: z.number().int(),
  removed: z.number().int(),
  expiring: z.number().int().optional().describe('Keys that were given a time to live, and not removed'),
  bytes: z.number().int(),
  bytesApproximate: z.boolean(),
  memory: z
    .object({ beforeMb: z.number().nullable(), afterMb: z.number().nullable() })
    .optional()
    .describe('What the server had in use; others write meanwhile, and it frees what is removed a little later'),
});

/** What `cache_cleanup` and `disk_cleanup` report. */
export const cacheCleanupDetails = z.object({ policies: z.array(purgeReport) });

/** What a request may say to `disk_cleanup`. */
export const diskCleanupParameters = z.object({
  policies,
  maxAgeDays: days.optional().describe('Files untouched for so long go. Default the policy’s own'),
  maxSizeMb: z
    .number()
    .min(0)
    .max(1_000_000_000)
    .optional()
    .describe('The least recently used go until all take no more. Default the policy’s own'),
  minFreePercent: z
    .number()
    .min(0)
    .max(90)
    .optional()
    .describe('The least recently used go until the disk has so much left. Default the policy’s own'),
});
