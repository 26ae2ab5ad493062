import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus } from '../endpoints/endpoint.js';
import type { ProbeResult } from '../probes/judge.js';
import { outcomeCode } from '../probes/outcomes.js';

const seconds = z.number().nullable();

/** One check as it is shown. Durations are seconds; null for parts that there were not. */
export const shownResult = z
  .object({
    checkedAt: instant,
    status: endpointStatus.meta({ description: 'What this one check found, which is not yet the status' }),
    code: outcomeCode,
    responseTime: seconds.meta({ description: 'From the question to the answer, without the resolution of names' }),
    message: z.string(),
    phases: z.object({
      dns: seconds,
      connect: seconds,
      tls: seconds,
      firstByte: seconds,
      transfer: seconds,
      total: seconds.meta({ description: 'From the beginning of the check to its end, names and body included' }),
    }),
  })
  .meta({ id: 'CheckResult' });

/** @see shownResult */
export type ShownResult = z.output<typeof shownResult>;

const inSeconds = (ms: number | null | undefined): number | null =>
  ms === null || ms === undefined ? null : Math.round(ms * 1_000) / 1_000_000;

/** A result as it is shown. */
export function shownAs(result: ProbeResult & { at: number }): ShownResult {
  const { at, status, code, message, responseTimeMs, phases = {} } = result;
  return {
    checkedAt: at,
    status,
    code,
    message,
    responseTime: inSeconds(responseTimeMs),
    phases: {
      dns: inSeconds(phases.dnsMs),
      connect: inSeconds(phases.connectMs),
      tls: inSeconds(phases.tlsMs),
      firstByte: inSeconds(phases.firstByteMs),
      transfer: inSeconds(phases.transferMs),
      total: inSeconds(phases.totalMs),
    },
  };
}
