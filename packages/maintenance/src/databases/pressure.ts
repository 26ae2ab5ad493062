import type { Kysely } from 'kysely';
import type { Database, DialectName } from '@dotmac/core/kysely';
import type { PressureSignal } from '../throttle/signal.js';
import * as mysql from './mysql/pressure.js';
import * as postgres from './postgres/pressure.js';

type Figures = Record<'lagSeconds' | 'waitingForLocks' | 'busySessions', (db: Kysely<unknown>) => Promise<number>>;

const none = (): Promise<number> => Promise.resolve(0);
const byDialect: Record<DialectName, Figures> = {
  // One writer, no replicas: who waits for it is in this process, where `eventLoopDelay` and `poolWait` look.
  sqlite: { lagSeconds: none, waitingForLocks: none, busySessions: none },
  postgres,
  mysql,
};

/** From when on a figure is too high, and what is done while it cannot be read. */
interface Threshold extends Partial<Pick<PressureSignal, 'pauseAt' | 'resumeAt' | 'timeoutMs' | 'whenUnreadable'>> {
  /** Tells several databases apart in reports. Default none. */
  of?: string;
}

function signal(
  figure: keyof Figures,
  name: string,
  unit: string,
  { dialect, kysely }: Database,
  { of, ...threshold }: Threshold & { pauseAt: number },
): PressureSignal {
  const read = (): Promise<number> => byDialect[dialect][figure](kysely);
  return { ...threshold, name: of === undefined ? name : `${name}:${of}`, unit, read };
}

/**
 * How far replicas are behind, in seconds. PostgreSQL: give the primary (it knows its standbys, if the user has
 * `pg_monitor`) or a standby; MySQL: give the replica. Always 0 on SQLite.
 * @param threshold by default work pauses at 5 seconds
 */
export function replicaLag(database: Database, threshold: Threshold = {}): PressureSignal {
  return signal('lagSeconds', 'replica_lag', 's', database, { pauseAt: 5, ...threshold });
}

/**
 * How many sessions wait for locks of others. Always 0 on SQLite.
 * @param threshold by default work pauses at 5 sessions
 */
export function lockWaits(database: Database, threshold: Threshold = {}): PressureSignal {
  return signal('waitingForLocks', 'lock_waits', 'sessions', database, { pauseAt: 5, ...threshold });
}

/**
 * How many sessions are executing something at this moment. Always 0 on SQLite.
 * @param threshold by default work pauses at 32 sessions
 */
export function activeSessions(database: Database, threshold: Threshold = {}): PressureSignal {
  return signal('busySessions', 'active_sessions', 'sessions', database, { pauseAt: 32, ...threshold });
}
