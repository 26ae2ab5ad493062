import type { HeartbeatRecord } from './heartbeat.js';
import type { Seen, Sight } from './seen.js';

/** A job of which all was seen that there is. */
export type SeenRecord = HeartbeatRecord & { seen: Seen };

const calls = [
  ['start', 'startedAt'],
  ['success', 'succeededAt'],
] as const;

/** Whether all was seen that there is to be of a job. */
export function isSeen(record: HeartbeatRecord): record is SeenRecord {
  const { seen } = record;
  return (
    !!seen && seen.registration !== null && calls.every(([kind, at]) => record[at] === null || seen[kind] !== null)
  );
}

/**
 * A job after somebody has looked. Of one from before it was kept what was seen, the dates have to do.
 * @param registeredAt epoch ms
 */
export function afterSight(record: HeartbeatRecord, sight: Sight, registeredAt: number): SeenRecord {
  const { seen } = record;
  const dated = (at: number): Sight => ({ at, watchedMs: sight.watchedMs - Math.max(0, sight.at - at) });
  const of = (kind: keyof Seen, at: number | null): Sight | null =>
    at === null ? null : seen ? (seen[kind] ?? sight) : dated(at);
  const now: Seen = { registration: of('registration', registeredAt), start: null, success: null };
  for (const [kind, at] of calls) now[kind] = of(kind, record[at]);
  return { ...record, seen: now };
}
