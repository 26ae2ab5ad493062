import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createApi, type HttpRequest } from '@dotmac/core/http';
import { kyselyIdempotencyStore, sqlite } from '@dotmac/core/kysely';
import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';
import { kyselyHealthStore, type HealthOptions } from '../../src/index.js';
import { staged } from './staged.js';

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
      response.writeHead(request.url === '/well' ? 200 : 500, String(said).replace(/[^\x20-\x7e]/g, ''), {
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

/** A health module on a database in files, asked over the pipeline that adapters use, and all that it writes anywhere. */
export async function watched(options: Partial<HealthOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-health-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const database = sqlite(join(folder, 'health.db'));
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
  /** Everything that it left behind, by where that is. */
  const placesAfterStop = async (): Promise<Record<string, string>> => {
    // Checks that wait for an answer are waited for by the clock of the test.
    let isStopped = false;
    void it.health.stop().then(() => (isStopped = true));
    await it.until(() => isStopped);
    const rows = readdirSync(folder).map((name) => [`the file ${name}`, readFileSync(join(folder, name), 'latin1')]);
    return {
      logs: lines.join('\n'),
      answers: answers.join('\n'),
      metrics: await metrics.metrics(),
      events: events.join('\n'),
      ...(Object.fromEntries(rows) as Record<string, string>),
    };
  };
  return { ...it, api, ask, answers, lines, events, placesAfterStop };
}
