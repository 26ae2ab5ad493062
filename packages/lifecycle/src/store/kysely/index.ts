import type { Clock, StoreTransaction } from '@dotmac/core';
import {
  checkMigrated,
  coreMigrations,
  inTransaction,
  kyselyOutbox,
  migrate,
  retrying,
  type Database,
} from '@dotmac/core/kysely';
import type { LifecycleStore } from '../store.js';
import { kyselyAnswers, pruneAnswers } from './answers.js';
import { kyselyBulk, kyselyDueBulk } from './bulk.js';
import { cancelAbandonedBulk, pruneBulk } from './bulk-pruning.js';
import { kyselyCustomers } from './customers.js';
import { kyselyDunningCases } from './dunning-cases.js';
import { kyselyHistory } from './history.js';
import { kyselyLimits } from './limits.js';
import { lifecycleMigrations } from './migrations.js';
import { kyselyPrivacy } from './privacy.js';
import { kyselyDueRuns, kyselyRunLeases } from './run-leases.js';
import { pruneRemovedWebhooks } from './removed-webhooks.js';
import { runStatements } from './run-statements.js';
import { kyselyRuns } from './runs.js';
import { kyselyServices } from './services.js';
import { kyselySignals } from './signals.js';
import { kyselyStandings } from './standings.js';
import type { LifecycleTables } from './tables.js';
import { kyselyDueTimers, kyselyTimers } from './timers.js';
import { pruneIssues } from './issue-pruning.js';
import { kyselyTokenReads } from './token-reads.js';
import { kyselyTokens, putTokens } from './tokens.js';
import { kyselyWebhooks, pruneDeliveries } from './webhooks.js';

/** Options of {@link kyselyLifecycleStore}. */
export interface KyselyLifecycleStoreOptions {
  /** Judge leases and what the outbox owes by this clock instead of the database's; for tests. */
  clock?: Pick<Clock, 'now'>;
}

/** A store in the host's database: SQLite, PostgreSQL, MySQL or MariaDB. */
export function kyselyLifecycleStore(database: Database, { clock }: KyselyLifecycleStoreOptions = {}): LifecycleStore {
  const outbox = kyselyOutbox(database, { queue: 'lifecycle', ...(clock && { clock }) });
  const statements = database.dialect === 'postgres' ? runStatements(database, clock) : undefined;
  const standings = kyselyStandings(database);
  const tokens = { read: kyselyTokenReads(database), put: putTokens(database) };
  return {
    capabilities: { parallelTransactions: database.dialect !== 'sqlite' },
    outbox,
    webhookOutbox: kyselyOutbox(database, { queue: 'lifecycle-webhooks', ...(clock && { clock }) }),
    runLeases: kyselyRunLeases(database, clock, statements),
    async migrate() {
      await migrate(database, coreMigrations);
      await migrate(database, lifecycleMigrations);
    },
    async checkMigrated() {
      await checkMigrated(database, coreMigrations);
      await checkMigrated(database, lifecycleMigrations);
    },
    transaction: <Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction) =>
      inTransaction<LifecycleTables, Result>(database, join, work),
    afterCommit: (trx, callback) => database.afterCommit(trx, callback),
    // Made when they are asked for: of those of a tenant, most calls need one.
    tenant: (tenantId) => ({
      get customers() {
        return kyselyCustomers(database, outbox, standings, tenantId);
      },
      get history() {
        return kyselyHistory(database, tenantId);
      },
      get tokens() {
        return kyselyTokens(database, tokens, tenantId);
      },
      get runs() {
        return kyselyRuns(database, tenantId, statements);
      },
      get services() {
        return kyselyServices(database, tenantId);
      },
      get signals() {
        return kyselySignals(database, tenantId);
      },
      get timers() {
        return kyselyTimers(database, tenantId);
      },
      get dunningCases() {
        return kyselyDunningCases(database, tenantId);
      },
      get privacy() {
        return kyselyPrivacy(database, tenantId);
      },
      get webhooks() {
        return kyselyWebhooks(database, tenantId);
      },
      get bulk() {
        return kyselyBulk(database, outbox, tenantId);
      },
      get answers() {
        return kyselyAnswers(database, tenantId);
      },
      get limits() {
        return kyselyLimits(database, tenantId);
      },
    }),
    // Whoever else removes old rows may be in the way.
    pruneDeliveries: (before, limit) => retrying(database, () => pruneDeliveries(database, before, limit)),
    pruneRemovedWebhooks: (limit) => retrying(database, () => pruneRemovedWebhooks(database, limit)),
    pruneAnswers: (now, limit) => retrying(database, () => pruneAnswers(database, now, limit)),
    pruneIssues: (began, limit) => retrying(database, () => pruneIssues(database, began, limit)),
    pruneBulk: (before, limit) => retrying(database, () => pruneBulk(database, before, limit)),
    cancelAbandonedBulk: (before, at, limit) => cancelAbandonedBulk(database, before, at, limit),
    dueRuns: (untilMs, page) => kyselyDueRuns(database, untilMs, page),
    dueTimers: (untilMs, page) => kyselyDueTimers(database, untilMs, page),
    dueBulk: (untilMs, page) => kyselyDueBulk(database, untilMs, page),
  };
}
