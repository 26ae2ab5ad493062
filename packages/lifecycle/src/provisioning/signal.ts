import { printable } from '@dotmac/core/contract';
import { z } from 'zod';

/** What somebody said to a step. It is kept, so that it may come before the run waits for it. */
export interface Signal {
  runId: string;
  stepKey: string;
  /** Who: each may speak once to a step. */
  by: string;
  kind: 'approve' | 'reject' | 'complete' | 'fail';
  /** In somebody's own words. */
  comment: string | null;
  /** What a completed step gave back. */
  output: unknown;
  at: number;
}

/** What deciding a step takes. */
export const decisionInput = z
  .object({
    step: z
      .string()
      .min(1)
      .max(100)
      .meta({ description: 'The name of the step', examples: ['approve'] }),
    decision: z.enum(['approve', 'reject']),
    comment: printable
      .trim()
      .max(1_000)
      .nullish()
      .transform((value) => value || null),
  })
  .meta({ id: 'ProvisioningDecision' });

/** @see decisionInput */
export type DecisionDraft = z.input<typeof decisionInput>;

/** Characters of JSON that a step may give back. */
export const longestOutput = 64 * 1_024;

/** What completing a step from outside takes. */
export const completionInput = z
  .object({
    token: z.string().min(1).max(2_000).meta({ description: 'What the step was given to be completed with' }),
    outcome: z.enum(['completed', 'failed']).default('completed'),
    output: z
      .unknown()
      .optional()
      .refine(
        (output) => JSON.stringify(output ?? null).length <= longestOutput,
        `At most ${longestOutput} characters of JSON`,
      )
      .meta({ description: `For later steps; up to ${longestOutput} characters of JSON` }),
    error: printable
      .trim()
      .max(1_000)
      .nullish()
      .transform((value) => value || null),
  })
  .meta({ id: 'ProvisioningCompletion' });

/** @see completionInput */
export type CompletionDraft = z.input<typeof completionInput>;
