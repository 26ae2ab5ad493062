import { isTimeZone } from '@dotmac/core';
import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { cronNext } from '../windows/cron-next.js';
import type { Seen } from './seen.js';

/** When a job is to call, as an endpoint's `config` has it; seconds. */
export const heartbeatSettings = z
  .strictObject({
    period: z.number().min(60).max(31_536_000).optional().meta({ description: 'Seconds from one success to the next' }),
    cron: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'When the job begins: five fields', examples: ['0 3 * * *'] }),
    zone: z.string().max(64).default('UTC').meta({ description: 'The time zone of cron' }),
    grace: z.number().min(1).max(604_800).default(300).meta({ description: 'Seconds that it may be late' }),
    longest: z.number().min(1).max(2_592_000).optional().meta({ description: 'Seconds that a run may take' }),
  })
  .refine(({ period, cron }) => (period === undefined) !== (cron === undefined), {
    path: ['period'],
    message: 'Give period or cron, and not both',
  })
  .refine(({ zone }) => isTimeZone(zone), { path: ['zone'], message: 'There is no such time zone' })
  .refine(({ cron, zone }) => cron === undefined || !isTimeZone(zone) || cronNext(cron, zone, 0) !== undefined, {
    path: ['cron'],
    message: 'Five fields of a cron expression are expected, and it has to come due',
  });

/** @see heartbeatSettings */
export type HeartbeatSettings = z.output<typeof heartbeatSettings>;

/** What a job says. */
const pingKind = z.enum(['start', 'success', 'fail']);

/** One call of a job's. */
export const ping = z
  .object({
    at: instant,
    kind: pingKind,
    exitStatus: z.int().nullable(),
    duration: z.number().nullable().meta({ description: 'Seconds since the start that was told before' }),
  })
  .meta({ id: 'Ping' });

/** What is known of a job. */
export const heartbeat = z
  .object({
    path: z.string().meta({ description: 'Where the job calls: whoever knows it can' }),
    lastStart: instant.nullable(),
    lastSuccess: instant.nullable(),
    lastFailure: instant.nullable(),
    expectedBy: instant.nullable().meta({ description: 'When it is late, grace included' }),
    pings: z.array(ping).meta({ description: 'The last 50, newest first' }),
  })
  .meta({ id: 'Heartbeat' });

/** @see ping */
export type Ping = z.output<typeof ping>;
/** @see heartbeat */
export type Heartbeat = z.output<typeof heartbeat>;

/** What is kept of a job. Instants are epoch ms, by the clocks of those who took the calls. */
export interface HeartbeatRecord {
  /** The endpoint's. */
  id: string;
  tenantId: string;
  /** Where the job calls: the token, sealed, and what it is looked up by; null until somebody asks. */
  token: { sealed: string; hash: string } | null;
  startedAt: number | null;
  succeededAt: number | null;
  failedAt: number | null;
  exitStatus: number | null;
  /** How it stands after its last call; missing in those from before it was kept. */
  standing?: Standing;
  /** When whoever monitors saw it first that the job was registered, and its last calls; missing as above. */
  seen?: Seen;
  /** What it was found to be since, and by which settings: it stays so until it calls. */
  found?: { is: 'late' | 'overran'; by: HeartbeatSettings } | null;
  /** Newest first. */
  pings: Ping[];
}

/** How a job stands by the order in which its calls came: dates of clocks that were set, or are not the same, tell another. */
interface Standing {
  /** It has begun, and not ended since. */
  isRunning: boolean;
  /** When it ended last, it had failed. */
  hasFailed: boolean;
}

/** How a job stands. */
export function standingOf({ startedAt, succeededAt, failedAt, standing }: HeartbeatRecord): Standing {
  if (standing) return standing;
  return {
    isRunning: startedAt !== null && startedAt > Math.max(succeededAt ?? 0, failedAt ?? 0),
    hasFailed: failedAt !== null && failedAt >= (succeededAt ?? 0),
  };
}

/** Before the first call. */
export function silentSoFar(tenantId: string, id: string): HeartbeatRecord {
  return {
    ...{ id, tenantId, token: null, pings: [] },
    ...{ startedAt: null, succeededAt: null, failedAt: null, exitStatus: null },
    seen: { registration: null, start: null, success: null },
  };
}

const mostPings = 50;

/** After a call. */
export function pinged(
  record: HeartbeatRecord,
  { kind, exitStatus, at }: Pick<Ping, 'kind' | 'exitStatus' | 'at'>,
): HeartbeatRecord {
  const { startedAt, seen, found } = record;
  // A start that was answered already says nothing of this run.
  const { isRunning, hasFailed } = standingOf(record);
  const duration = kind !== 'start' && isRunning && startedAt !== null ? Math.max(0, at - startedAt) / 1_000 : null;
  const known = {
    ...record,
    pings: [{ at, kind, exitStatus, duration }, ...record.pings].slice(0, mostPings),
    ...(seen && kind !== 'fail' && { seen: { ...seen, [kind]: null } }),
    // Only a success is what one that is late was to tell.
    found: kind !== 'success' && found?.is === 'late' ? found : null,
  };
  if (kind === 'start') return { ...known, startedAt: at, standing: { isRunning: true, hasFailed } };
  const ended = { ...known, exitStatus, standing: { isRunning: false, hasFailed: kind === 'fail' } };
  return kind === 'success' ? { ...ended, succeededAt: at } : { ...ended, failedAt: at };
}
