import { endpointStatus } from '../endpoints/endpoint.js';
import { keptCode } from '../probes/outcomes.js';
import { partsOfCheck } from '../probes/probe.js';
import type { CheckResult, Ring } from './result.js';

/** How many results go into one chunk of a ring: enough to write few rows, and few enough to write them again. */
export const chunkSizes: Readonly<Record<Ring, number>> = { recent: 20, issues: 10 };

/** A stretch of an endpoint's ring, kept as one: the chunk that its slot held before is gone. */
export interface RingChunk {
  tenantId: string;
  endpointId: string;
  ring: Ring;
  /** From 0 to {@link slotsOf} less one. */
  slot: number;
  /** Its results, as {@link encodeResult} writes them, the oldest first, joined by {@link between}. */
  body: string;
  /** How many of them were not in it when it was last stored. */
  added: number;
}

/**
 * How many slots a ring of so many results has: one is being written, and one may have been left half empty by a
 * process that ended.
 */
export function slotsOf(ring: Ring, size: number): number {
  return Math.ceil(size / chunkSizes[ring]) + 2;
}

/** What stands between the results of a chunk. */
export const between = '],[';

/** Microseconds are enough, and shorter. */
const rounded = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? 'null' : String(Math.round(ms * 1_000) / 1_000);

const statuses = endpointStatus.options;

/**
 * A result in as few characters as JSON has for it: what it is by its place, what is missing at the end left out. The
 * whole time stands in brackets, as any number of its parts may stand before it.
 */
export function encodeResult({ at, status, code, responseTimeMs, message, phases }: CheckResult): string {
  // Joined, and not put together bit by bit: many of these are kept for a while, and a string of bits takes thrice the
  // memory.
  const parts = [String(at), String(statuses.indexOf(status)), rounded(responseTimeMs), JSON.stringify(message)];
  // The code that goes without saying is not written.
  if (code !== keptCode(status, undefined)) parts.push(JSON.stringify(code));
  const { totalMs } = phases;
  let left = Object.keys(phases).length - (totalMs === undefined ? 0 : 1);
  for (const name of partsOfCheck) {
    if (left === 0) break;
    const ms = phases[name];
    if (ms !== undefined) left--;
    parts.push(rounded(ms));
  }
  if (totalMs !== undefined) parts.push(`[${rounded(totalMs)}]`);
  return parts.join(',');
}

type Encoded = [
  at: number,
  status: number,
  responseTimeMs: number | null,
  message: string,
  ...codeAndPhases: (string | number | null | [totalMs: number])[],
];

/** The results of a chunk, the oldest first. */
export function decodeResults({
  tenantId,
  endpointId,
  body,
}: Pick<RingChunk, 'tenantId' | 'endpointId' | 'body'>): CheckResult[] {
  return (JSON.parse(`[[${body}]]`) as Encoded[]).map(([at, status, responseTimeMs, message, ...rest]) => {
    const [first, ...others] = rest;
    const [given, times] = typeof first === 'string' ? [first, others] : [undefined, rest];
    const phases = Object.fromEntries(
      times.flatMap((ms, index) => {
        if (ms === null) return [];
        return [Array.isArray(ms) ? ['totalMs', ms[0]] : [partsOfCheck[index] ?? 'dnsMs', ms]];
      }),
    ) as CheckResult['phases'];
    const found = statuses[status] ?? 'unknown';
    const code = keptCode(found, given);
    return { tenantId, endpointId, at, status: found, code, responseTimeMs, message, phases };
  });
}
