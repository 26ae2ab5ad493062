import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { createApi, type HttpRequest } from '@dotmac/core/http';
import { databaseFromUrl, kyselyIdempotencyStore, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { expect, onTestFinished } from 'vitest';
import { tablesOf } from '../../../core/test/support/handed-on.js';
import type { FreshDatabase } from '../../../../test/support/services.js';
import { kyselyHealthStore, type HealthOptions } from '../../src/index.js';
import { staged } from './staged.js';
import { tracesOf } from './traces.js';

/** By path. A message that is refused is given up after a minute, and any other only after hours. */
const answers: Record<string, number> = { '/well': 200, '/hook': 400 };

/** A web server that repeats whatever it is told, wherever it can, and fails. */
export async function parrot() {
  const heard: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const all = JSON.stringify([request.url, request.headers, body]);
      heard.push(all);
      const said = request.headers['authorization'] ?? request.headers['x-token'] ?? 'nothing';
      if (request.url?.startsWith('/services/') && heard.length % 2 === 0) return void response.destroy();
      response.writeHead(answers[request.url ?? ''] ?? 500, String(said).replace(/[^\x20-\x7e]/g, ''), {
        'x-said': Buffer.from(String(said)).toString('latin1'),
        location: `http://127.0.0.1:1/${encodeURIComponent(String(said))}`,
      });
      response.end(`${all}\n${String(said)}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { heard, port: (server.address() as AddressInfo).port };
}

/** Headers as servers read them: bytes, of which the test's own server makes Latin-1. */
export function decoded(heard: readonly string[]): string {
  return heard.map((text) => Buffer.from(text, 'latin1').toString('utf8')).join('\n');
}

/** What was said somewhere, and what is kept in the database, by where that is. */
interface Places {
  said: Record<string, string>;
  kept: Record<string, string>;
}

/** That there is something everywhere, and a secret nowhere. */
export function expectNoTraces(secrets: Readonly<Record<string, string>>, { said, kept }: Places): void {
  expect(tracesOf(secrets, { ...said, ...kept })).toEqual([]);
  expect([...Object.values(said), Object.values(kept).join('')].every((text) => text.length > 500)).toBe(true);
}

/** A column as it would be found by who reads it: what is JSON in it as it is written there. */
function written(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The rows of every table; on SQLite its files as well, with what was deleted. */
async function keptIn(database: Database, url: string): Promise<Places['kept']> {
  const kept: Places['kept'] = {};
  for (const table of await tablesOf(database)) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(table)}`.execute(database.kysely);
    kept[`the table ${table}`] = rows.flatMap((row) => Object.values(row).map(written)).join('\n');
  }
  if (database.dialect === 'sqlite')
    for (const file of ['', '-wal'])
      kept[`the file of the database${file}`] = readFileSync(`${url.slice('sqlite:'.length)}${file}`, 'latin1');
  return kept;
}

/** A health module on a database of its own, asked over the pipeline that adapters use, and all that it writes anywhere. */
export async function watched(fresh: () => Promise<FreshDatabase>, options: Partial<HealthOptions> = {}) {
  const { url, drop } = await fresh();
  onTestFinished(drop);
  const database = databaseFromUrl(url);
  onTestFinished(() => database.close());
  const [lines, events, answers]: [string[], string[], string[]] = [[], [], []];
  const write = (...line: unknown[]): void => void lines.push(inspect(line, { depth: 20, showHidden: true }));
  const logger = { debug: write, info: write, warn: write, error: write };
  const metrics = new Registry();
  const it = await staged((clock) => kyselyHealthStore(database, { clock }), { ...options, logger, metrics });
  it.health.events.onAny((event) => void events.push(JSON.stringify(event)));
  const api = createApi(it.health, {
    ...{ logger, metrics, clock: it.clock, verify: true, idempotency: kyselyIdempotencyStore(database) },
    authenticate: () => ({ tenantId: 'acme', actorId: 'user:1', permissions: ['*'] }),
    rateLimits: { principal: false, address: false },
  });
  let asked = 0;
  /** Asks, and notes the answer whole. */
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: { id: string } }> => {
    for (const route of api.routes) {
      const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
      const match = new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
      if (!match || route.method !== method) continue;
      const request: HttpRequest = {
        ...{ method, path, mountedAt: '', query: {}, remoteAddress: '127.0.0.1', body: { parsed: body } },
        params: Object.fromEntries(names.map((name, at) => [name, match[at + 1] ?? ''])),
        headers: {
          'content-type': 'application/json',
          ...(method === 'POST' && { 'idempotency-key': `key-${asked++}` }),
        },
        signal: new AbortController().signal,
      };
      const answer = await route.handle(request);
      answers.push(JSON.stringify(answer), String(answer.body));
      const text = String(answer.body);
      return { status: answer.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as { id: string } };
    }
    throw new Error(`There is no ${method} ${path}`);
  };
  /** Everything that it left behind. */
  const placesAfterStop = async (): Promise<Places> => {
    // Checks that wait for an answer are waited for by the clock of the test.
    let isStopped = false;
    void it.health.stop().then(() => (isStopped = true));
    await it.until(() => isStopped);
    const said = {
      logs: lines.join('\n'),
      answers: answers.join('\n'),
      metrics: await metrics.metrics(),
      events: events.join('\n'),
    };
    return { said, kept: await keptIn(database, url) };
  };
  return { ...it, api, ask, answers, lines, events, placesAfterStop };
}
