/** What every example takes for granted: the packages' own names, and what the host's application has. */
export const host = `
import type { Redis } from 'ioredis';
import type { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type * as kysely from '@dotmac/core/kysely';
import type * as health from '@dotmac/health';
import type * as lifecycle from '@dotmac/lifecycle';
import type * as dotmac from '@dotmac/maintenance';
import type * as operations from '@dotmac/operations';
declare global {
  const createMaintenance: typeof dotmac.createMaintenance;
  const defineMaintenanceTask: typeof dotmac.defineMaintenanceTask;
  const { retentionPolicy, dotmacRetention }: typeof dotmac;
  const [digestByEmail, digestByWebhook]: [typeof dotmac.digestByEmail, typeof dotmac.digestByWebhook];
  const [eventLoopDelay, poolWait]: [typeof dotmac.eventLoopDelay, typeof dotmac.poolWait];
  const [replicaLag, lockWaits]: [typeof dotmac.replicaLag, typeof dotmac.lockWaits];
  const activeSessions: typeof dotmac.activeSessions;
  const createOperations: typeof operations.createOperations;
  const { createLifecycle, kyselyLifecycleStore, defineServiceTemplate }: typeof lifecycle;
  const { defineJourney, defineDunningPolicy }: typeof lifecycle;
  const { executorFor, fromKysely }: typeof kysely;
  const { statfs }: typeof import('node:fs/promises');
  const { z }: typeof import('zod');
  const nodemailer: typeof import('nodemailer');
  const [database, primary]: [kysely.Database, kysely.Database];
  const store: dotmac.MaintenanceStore & lifecycle.LifecycleStore;
  const maintenance: dotmac.MaintenanceModule;
  const health: health.Health;
  const sendVerification: lifecycle.SendVerification;
  const [redis, pool, lru]: [Redis, Pool, LRUCache<string, object>];
  type Transaction<Tables> = import('kysely').Transaction<Tables>;
  type LifecycleHooks<Trx> = lifecycle.LifecycleHooks<Trx>;
  interface AppTables {
    sessions: { id: number; created_at: number; state: 'open' | 'ended' };
    users: { id: import('kysely').Generated<number>; email: string; customer_id: string; suspended: boolean };
    tickets: { customer: string };
    lines: { id: string };
    invoices: { serviceId: string };
  }
  const smtpUrl: string;
  const p95: () => number;
  const chat: { post(text: string, options: { signal: AbortSignal }): Promise<void> };
  const pager: { trigger(text: string, options: { signal: AbortSignal }): Promise<void> };
}`;

const scope = `declare const scope: import('@dotmac/lifecycle').LifecycleScope; declare const signal: AbortSignal;`;
const calls = (...names: string[]): string =>
  names.map((name) => `${name}(...given: unknown[]): Promise<void>`).join('; ');

/** What the examples of one page take for granted besides: on another the same name may be something else. */
export const hostOf: Readonly<Record<string, string>> = {
  'docs/adopt-in-an-existing-application.md': `
    declare const database: import('kysely').Kysely<AppTables>; ${scope}
    declare const person: Parameters<import('@dotmac/lifecycle').CustomerService['register']>[0];
    declare const newcomer: { email: string; customer_id: string; suspended: boolean };
    declare const clock: import('@dotmac/core/testing').FakeClock;
    declare const [start, day]: [number, number]; declare const customerId: string;`,
  'docs/find-customers.md': `${scope}
    declare function show(event: string, customerId: string | null): void;
    declare function report(line: import('@dotmac/lifecycle').ConsistencyLine): void;`,
  'docs/follow-customers.md': `declare const mail: { send(step: string, customerId: string, deliveryId: string): Promise<void> };`,
  'docs/handle-errors.md': `
    declare const acme: import('@dotmac/lifecycle').LifecycleScope; declare const id: string;`,
  'docs/monitor-an-endpoint.md': `
    declare const [billingDatabase, paymentApi, cachedInvoice]: [string, string, string];
    declare const billing: { invoice(): Promise<string> }; declare const log: { info(text: string): void };
    declare const response: Response; declare const responseTimeMs: number;
    declare const app: import('fastify').FastifyInstance;`,
  'docs/preview-a-cleanup.md': `
    declare const archive: import('@dotmac/core/kysely').Database; declare const archiveEndpoint: string;
    declare const retention: import('@dotmac/maintenance').RetentionPolicy[];`,
  'docs/provision-a-service.md': `
    declare const ipam: {
      reserve(vlan: number, key: string, signal: AbortSignal): Promise<object>; release(address: unknown): Promise<void>;
      find(serviceId: string): Promise<object | undefined>;
    };
    declare const field: { order(completionToken: string): Promise<void> };
    declare const radius: { restrict(username: string): Promise<void>; open(username: string): Promise<void> };
    declare const olt: { speed(vlan: number): Promise<void>; restore(previous: object | null): Promise<void> };`,
  'docs/repeat-a-command.md': `
    declare const acme: import('@dotmac/lifecycle').LifecycleScope; declare const id: string;`,
  'docs/take-part-in-commands.md': `
    declare const [credit, crm, warehouse]: [{ ${calls('mayBeSuspended')} }, { ${calls('update')} }, { ${calls('mustHaveReturned')} }];
    declare const desk: { ${calls('ticket')} };`,
  'docs/tell-other-systems.md': `declare const secret: string;`,
  'docs/verify-an-address.md': `
    declare const verificationSecret: string;
    declare const mail: { send(address: string, text: string, options: { id: string }): Promise<void> };`,
  'docs/write-a-store.md': `declare function createYourStore(): import('@dotmac/health').HealthStore;`,
};
