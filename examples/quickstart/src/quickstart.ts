import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { apiKeyAuthenticator } from '@dotmac/core/http';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { databaseTarget, redisTarget } from '@dotmac/health';
import { dotmacRetention } from '@dotmac/maintenance';
import { createOperations, type Operations } from '@dotmac/operations';
import Docker from 'dockerode';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { prepareFiles } from './demo/files.js';
import { dunning } from './demo/dunning.js';
import { internet100 } from './demo/internet-100.js';
import { mailbox } from './demo/mailbox.js';
import { demoSessions } from './demo/sessions.js';
import { listenWithExpress } from './frameworks/express.js';
import { listenWithFastify } from './frameworks/fastify.js';
import { lastingSecret } from './secret.js';
import type { Settings } from './settings.js';

/** A quickstart that listens. */
export interface Quickstart {
  url: string;
  operations: Operations;
  demo: ReturnType<typeof demoSessions>;
  /** Answers what is under way, stops background work, closes everything. */
  close(): Promise<void>;
}

const frameworks = { express: listenWithExpress, fastify: listenWithFastify };

/** Wires all of dotmac over one database, and serves it. */
export async function startQuickstart(settings: Settings): Promise<Quickstart> {
  const { dataDirectory, requestsPerMinute, apiKeys } = settings;
  const [logs, cache, kept] = ['logs', 'cache', 'backups'].map((name) => join(dataDirectory, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(kept, { recursive: true, mode: 0o700 });
  await prepareFiles(logs, cache);
  // Root in a container often works in a directory of somebody else.
  const owners = [(await stat('.')).uid];

  const logger = pino({ level: settings.logLevel });
  const url = /^[a-z]+:/i.test(settings.databaseUrl) ? settings.databaseUrl : `sqlite:${settings.databaseUrl}`;
  const database = databaseFromUrl(url, { logger });
  const redis = settings.redisUrl === undefined ? undefined : new Redis(settings.redisUrl, { maxRetriesPerRequest: 2 });
  redis?.on('error', (error: Error) =>
    logger.warn({ code: (error as { code?: string }).code }, 'Redis is out of reach'),
  );
  const demo = demoSessions(database);

  const operations = createOperations({
    database,
    logger,
    metrics: new Registry(),
    authenticate: apiKeyAuthenticator(apiKeys),
    http: {
      rateLimits: { principal: { requests: requestsPerMinute }, address: { requests: 10 * requestsPerMinute } },
      document: { title: 'dotmac quickstart' },
    },
    health: {
      egress: { allow: ['loopback', 'public'] },
      adHocTargets: { egress: { allow: ['loopback'] } },
      secret: await lastingSecret(join(dataDirectory, 'health.key')),
      targets: { main: databaseTarget(database), ...(redis && { redis: redisTarget(redis) }) },
      ...(existsSync(settings.dockerSocket) && { docker: new Docker({ socketPath: settings.dockerSocket }) }),
    },
    lifecycle: {
      templates: [internet100],
      dunning: [dunning],
      sendVerification: mailbox(join(dataDirectory, 'outbox.ndjson')),
      secret: await lastingSecret(join(dataDirectory, 'verification.key')),
      webhooks: { egress: { allow: ['loopback', 'public'] } },
    },
    maintenance: {
      databases: { main: database },
      retention: [
        {
          name: 'demo-sessions',
          database: 'main',
          table: 'demo_sessions',
          timeColumn: 'created_at',
          retentionDays: 30,
          // Most of its rows are old by intention.
          maxShare: 1,
        },
        ...dotmacRetention({
          database: 'main',
          tenants: apiKeys.slice(0, 1).map(({ tenantId }) => tenantId),
          // So that a request for all tables may ask for less than their 90 days.
          minRetentionDays: 7,
          health: {},
          lifecycle: {},
        }),
      ],
      upkeep: [{ name: 'demo', database: 'main', tables: ['demo_sessions'], apply: ['stale_statistics'] }],
      logs: [{ name: 'logs', directory: logs, owners, retentionDays: 90 }],
      caches: [
        { name: 'pages', directory: cache, owners, maxAgeDays: 7 },
        ...(redis ? [{ name: 'demo-cache', redis: () => redis, pattern: 'demo:cache:*' }] : []),
      ],
      backups: [{ name: 'main', url, directory: kept, owners, keep: { last: 3, daily: 7, weekly: 5 } }],
      schedules: apiKeys
        .slice(0, 1)
        .map(({ tenantId }) => ({ name: 'nightly-sessions', task: 'database_cleanup', cron: '30 3 * * *', tenantId })),
    },
  });

  try {
    await operations.start();
    await demo.prepare();
    const server = await frameworks[settings.framework](operations, settings.host, settings.port);
    const url = `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${server.port}`;
    if (settings.demoKey !== undefined) await monitorItself(operations, settings, server.port);
    return {
      url,
      operations,
      demo,
      async close() {
        await server.close();
        await operations.stop();
        redis?.disconnect();
        await database.close();
      },
    };
  } catch (error) {
    await operations.stop();
    redis?.disconnect();
    await database.close();
    throw error;
  }
}

/** The demo tenant's first endpoint is this server. */
async function monitorItself(operations: Operations, { host, apiKeys }: Settings, port: number): Promise<void> {
  const [{ tenantId } = { tenantId: 'demo' }] = apiKeys;
  const { endpoints } = operations.scope({ tenantId, actor: 'quickstart' }).health;
  const { items } = await endpoints.list({ limit: 500 });
  if (items.some((it) => it.name === 'quickstart' && it.port === port)) return;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  await endpoints.register({ name: 'quickstart', host: reachable, port, serviceType: 'http' });
}
