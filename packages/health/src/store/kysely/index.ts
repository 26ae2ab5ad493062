import { coreErrors, type Clock, type StoreTransaction } from '@dotmac/core';
import {
  coreMigrations,
  inTransaction,
  kyselyOutbox,
  leaseWithin,
  checkMigrated,
  migrate,
  retrying,
  type Database,
} from '@dotmac/core/kysely';
import { healthEvents } from '../../events.js';
import { isLate } from '../late-news.js';
import { outboxEntries } from '../outbox-entries.js';
import type { WatchTime } from '../sharing.js';
import type { HealthStore } from '../store.js';
import { dueAlerts, dueChannels, kyselyAlerts } from './alerts.js';
import { kyselyBuckets, pruneBuckets, writeBuckets } from './buckets.js';
import { kyselyChunks, writeChunks } from './chunks.js';
import { everyDocument, kyselyDocuments } from './documents.js';
import { everyEndpoint, kyselyEndpoints } from './endpoints.js';
import { kyselyEventLog } from './event-log.js';
import { kyselyIncidents, pruneIncidents, writeIncidents } from './incidents.js';
import { healthMigrations } from './migrations.js';
import { kyselyReceipts } from './receipts.js';
import { kyselySharing, removeHanded } from './sharing.js';
import { lockLiving, writeStates } from './states.js';
import type { HealthTables } from './tables.js';

/** Options of {@link kyselyHealthStore}. */
export interface KyselyHealthStoreOptions {
  /** Judges what is due in the outbox, and leases; for tests. Default: the database's clock. */
  clock?: Pick<Clock, 'now'>;
}

/** There is one for all. */
const watchId = 'monitor';

/** A store in the host's database: SQLite, PostgreSQL, MySQL or MariaDB. */
export function kyselyHealthStore(database: Database, { clock }: KyselyHealthStoreOptions = {}): HealthStore {
  const outbox = kyselyOutbox(database, { queue: 'health', ...(clock && { clock }) });
  const rows = {
    ...writeBuckets(database),
    ...writeChunks(database),
    ...writeStates(database),
    ...writeIncidents(database),
  };
  const log = kyselyEventLog(database, clock);
  const { keepReceipt, ...receipts } = kyselyReceipts(database, clock);
  const sharing = kyselySharing(database, clock, { keepReceipt });
  // Nobody's own: no tenant has an empty name.
  const everybodys = <Document extends { id: string }>(kind: string) => kyselyDocuments<Document>(database, kind, '');
  const watches = everybodys<WatchTime & { id: string }>('watch');
  const isHeld = leaseWithin(database, clock && { clock });
  return {
    outbox,
    ...sharing,
    ...log,
    ...receipts,
    async migrate() {
      await migrate(database, coreMigrations);
      await migrate(database, healthMigrations);
    },
    async checkMigrated() {
      await checkMigrated(database, coreMigrations);
      await checkMigrated(database, healthMigrations);
    },
    transaction: <Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction) =>
      inTransaction<HealthTables, Result>(database, join, work),
    everyEndpoint: (ask) => everyEndpoint(database, ask),
    settle: ({ states, chunks, deltas, incidents, events, handed = [], receipt, watched }, term) =>
      inTransaction<HealthTables, void>(database, undefined, async (trx) => {
        if (term && !(await isHeld({ database, trx }, term.key, term.fence)))
          throw coreErrors.LEASE_LOST({ key: term.key });
        const ids = [
          ...states.map(({ endpoint }) => endpoint.id),
          ...[...chunks, ...deltas, ...incidents].map((it) => it.endpointId),
          ...events.map(({ subject }) => subject),
        ];
        // Two writers of one endpoint's buckets would overwrite each other: its row is locked meanwhile.
        const living = await lockLiving(database, trx, ids);
        const lives = ({ endpointId }: { endpointId: string }): boolean => living.has(endpointId);
        await rows.addBuckets(trx, deltas.filter(lives));
        await rows.saveChunks(trx, chunks.filter(lives));
        await rows.saveStates(
          trx,
          states.filter(({ endpoint }) => living.has(endpoint.id)),
        );
        const late = await rows.saveIncidents(trx, incidents.filter(lives));
        const told = events
          .filter((event) => living.has(event.subject) && !isLate(event, late))
          .map((event) => healthEvents.encode(event));
        if (told.length > 0) await outbox.append(outboxEntries(told), trx);
        await log.logEvents(told, trx);
        await removeHanded(trx, handed);
        if (receipt) await keepReceipt(trx, receipt);
        if (watched) await watches.change(watchId, () => ({ ...watched, id: watchId }), trx);
      }),
    everyObjective: (ask) => everyDocument(database, 'objective', ask),
    windowsOf: (tenantIds, ask) => everyDocument(database, 'window', ask, tenantIds),
    dueAlerts: (now, limit) => dueAlerts(database, now, limit),
    dueChannels: (now, limit) => dueChannels(database, now, limit),
    // Whoever else removes old rows may be in the way.
    pruneBuckets: (resolution, before, limit) =>
      retrying(database, () => pruneBuckets(database, resolution, before, limit)),
    pruneShared: (before, limit) => retrying(database, () => sharing.pruneShared(before, limit)),
    pruneEvents: (before, limit) => retrying(database, () => log.pruneEvents(before, limit)),
    pruneReceipts: (before, limit) => retrying(database, () => receipts.pruneReceipts(before, limit)),
    pruneIncidents: (before, limit) => pruneIncidents(database, before, limit),
    async watched() {
      const { ms = 0, sinceMs = 0 } = (await watches.get(watchId)) ?? {};
      return { ms, sinceMs };
    },
    heartbeatTokens: everybodys('heartbeat-token'),
    statusFeedTokens: everybodys('status-feed-token'),
    tenant: (tenantId) => ({
      ...kyselyEndpoints(database, tenantId),
      ...kyselyChunks(database, tenantId),
      ...kyselyBuckets(database, tenantId),
      ...kyselyIncidents(database, tenantId),
      ...kyselyAlerts(database, tenantId),
      channels: kyselyDocuments(database, 'channel', tenantId),
      deliveries: kyselyDocuments(database, 'delivery', tenantId),
      rules: kyselyDocuments(database, 'alert-rule', tenantId),
      windows: kyselyDocuments(database, 'window', tenantId),
      heartbeats: kyselyDocuments(database, 'heartbeat', tenantId),
      objectives: kyselyDocuments(database, 'objective', tenantId),
      statusFeeds: kyselyDocuments(database, 'status-feed', tenantId),
    }),
  };
}
