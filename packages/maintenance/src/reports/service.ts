import type { Clock, ScopeIdentity } from '@dotmac/core';
import type { z } from 'zod';
import type { Run } from '../runs/run.js';
import type { runsQuery } from '../runs/schemas.js';
import type { RunService } from '../runs/service.js';
import type { MaintenanceStore } from '../store/store.js';
import { runCsv, runsCsv } from './csv.js';
import { digestHtml } from './digest-text.js';
import { digestOf } from './digest.js';
import { runHtml } from './run-html.js';
import type { Digest, TaskTrend } from './schemas.js';
import { dayMs } from './tally.js';
import { trendsOf } from './trend.js';

/** What runs came to, for people and spreadsheets. */
export interface ReportService {
  /** One run as a page. @throws RUN_NOT_FOUND */
  runHtml(id: string): Promise<string>;
  /** One run as a table of its fields. @throws RUN_NOT_FOUND */
  runCsv(id: string): Promise<string>;
  /** Runs as a table, the newest first; those before the run whose id `cursor` is. */
  runsCsv(query: z.output<typeof runsQuery>): Promise<string>;
  /** How tasks fared day by day, the last of `days` being today. Days are UTC's. */
  trends(query: { days: number; task?: string | undefined }): Promise<{ items: TaskTrend[] }>;
  /** What happened in the last `days` times 24 hours, and what somebody should look at. */
  digest(query: { days: number }): Promise<Digest>;
  /** The same as a page. */
  digestHtml(query: { days: number }): Promise<string>;
}

/** What the service works with. */
export interface ReportServiceParts {
  identity: ScopeIdentity;
  store: MaintenanceStore;
  runs: RunService;
  clock: Clock;
}

const mostAttention = 20;
/** Runs that are looked through for those: of what failed much may have gone on since. */
const mostLookedAt = 500;

/** The digest of one tenant's runs that began from `from` to before `to`. */
export async function digestBetween(
  store: MaintenanceStore,
  tenantId: string,
  { from, to }: { from: number; to: number },
): Promise<Digest> {
  const runs = store.runs(tenantId);
  const tallies = await runs.tallies({ from, to });
  const before = await runs.tallies({ from: from - (to - from), to: from });
  // What another run goes on from is dealt with: that one is told of, if it fails or waits in its turn.
  const isOpen = ({ startedAt, resumedBy }: Run): boolean => startedAt >= from && startedAt < to && resumedBy === null;
  const newest = { limit: mostLookedAt, applied: true, brief: true };
  const [failed, waiting] = await Promise.all([
    runs.list({ ...newest, status: 'failed' }),
    runs.list({ ...newest, status: 'needs_confirmation' }),
  ]);
  const attention = [...failed, ...waiting].filter(isOpen).sort((a, b) => (a.id < b.id ? 1 : -1));
  return digestOf({ from, to, tallies, before, attention: attention.slice(0, mostAttention) });
}

/** @see ReportService */
export function createReportService({ identity, store, runs, clock }: ReportServiceParts): ReportService {
  const own = store.runs(identity.tenantId);
  const digest = ({ days }: { days: number }): Promise<Digest> => {
    const to = clock.now();
    return digestBetween(store, identity.tenantId, { from: to - days * dayMs, to });
  };
  return {
    runHtml: async (id) => runHtml(await runs.get(id)),
    runCsv: async (id) => runCsv(await runs.get(id)),
    runsCsv: async (query) => runsCsv((await runs.list(query)).items),
    async trends({ days, task }) {
      const now = clock.now();
      const to = now - (now % dayMs) + dayMs;
      const period = { from: to - days * dayMs, to };
      const tallies = await own.tallies(period);
      return { items: trendsOf(task === undefined ? tallies : tallies.filter((it) => it.task === task), period) };
    },
    digest,
    digestHtml: async (query) => digestHtml(await digest(query)),
  };
}
