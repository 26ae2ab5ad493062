import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { defaultBounds, endpointFields, endpointStatus } from '../endpoints/endpoint.js';

const { retryCount, recoveryCount, minErrorTime, recoveryResponseTime, expectedResponseTime } =
  endpointFields(defaultBounds);

/** As many as a body of a megabyte holds: more than a day of one every ten seconds. */
const mostResults = 10_000;

/** A result of the caller's own, as results are shown: those of another endpoint, or of another monitor, can be given. */
const givenResult = z
  .object({
    checkedAt: instant,
    status: endpointStatus,
    responseTime: z
      .number()
      .min(0)
      .max(86_400)
      .nullable()
      .default(null)
      .meta({ description: 'Seconds; null when nothing answered' }),
    code: z.string().max(40).optional().meta({
      description: '`slow` says that an answer was degraded for its time alone; without code and message it was',
    }),
    message: z
      .string()
      .max(1_000)
      .optional()
      .meta({ description: 'Of results from before there were codes, one as ours says the same' }),
  })
  .meta({ id: 'SimulatedResult' });

/** Another policy to try, and on what; of the policy, what is left out is the endpoint's own. */
export const simulationInput = z
  .object({
    ...{ retryCount, recoveryCount, minErrorTime, recoveryResponseTime, expectedResponseTime },
    results: z
      .array(givenResult)
      .min(1)
      .max(mostResults)
      .meta({ description: 'In the place of the last checks that are kept of the endpoint; in any order' }),
  })
  .partial()
  .meta({ id: 'SimulationInput' });

/** @see givenResult */
export type GivenResult = z.output<typeof givenResult>;

/** A result to try a policy on. `checkedAt` is epoch ms, `responseTime` seconds. */
export type SimulatedResult = Omit<z.input<typeof givenResult>, 'checkedAt'> & { checkedAt: number };

/** {@link simulationInput} as a caller writes it; instants are epoch ms. */
export type SimulationDraft = Omit<z.input<typeof simulationInput>, 'results'> & {
  results?: readonly SimulatedResult[] | undefined;
};

/** A draft as its schema reads it. */
export function written({ results, ...policy }: SimulationDraft): z.input<typeof simulationInput> {
  if (results === undefined) return policy;
  // What is no instant is left for the schema to refuse.
  const text = (at: number): string => instant.safeEncode(at).data ?? String(at);
  return { ...policy, results: results.map((it) => ({ ...it, checkedAt: text(it.checkedAt) })) };
}
