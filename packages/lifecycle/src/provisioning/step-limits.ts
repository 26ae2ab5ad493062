import { inWords } from '@dotmac/core/contract';
import { z } from 'zod';
import { longestDays } from '../longest-days.js';
import type { ServiceStep } from './definition.js';

/** What a step may wait for: a hundred years. */
export const longestWaitMs = longestDays * 86_400_000;

const ms = z.number().positive().max(longestWaitMs).optional();
const retry = z
  .object({
    attempts: z.int().min(1).optional(),
    firstBackoffMs: z.number().min(0).optional(),
    longestBackoffMs: z.number().min(0).optional(),
  })
  .optional();

/** The numbers of a step of any kind: none of them may say never, or nobody. */
const limits = z.object({
  timeoutMs: ms,
  completion: z.object({ timeoutMs: ms }).optional(),
  retry,
  compensationRetry: retry,
  approval: z.object({ quorum: z.int().min(1).optional(), expiresInMs: ms }).optional(),
  waitMs: z
    .union([z.number().min(0).max(longestWaitMs), z.custom((it) => typeof it === 'function')], 'must be a time in ms')
    .optional(),
});

/** What is wrong with the numbers of a step, e.g. `approval.quorum: …`; undefined when nothing is. */
export function faultOfLimits(step: ServiceStep): string | undefined {
  const [issue] = limits.safeParse(step, inWords).error?.issues ?? [];
  return issue && `${issue.path.join('.')}: ${issue.message}`;
}
