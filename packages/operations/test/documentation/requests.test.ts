import { Readable } from 'node:stream';
import { defineErrors, type Module } from '@dotmac/core';
import { bearerToken, createApi, type ApiRoute } from '@dotmac/core/http';
import { sqlite } from '@dotmac/core/kysely';
import { createOperations } from '../../src/index.js';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { examplesIn, pages, textOf } from '../../../../test/support/documentation.js';
import { commandsOf } from './shell-words.js';

const { TAKEN } = defineErrors({ TAKEN: { kind: 'conflict', message: () => 'The request is as it should be.' } });
const { routes } = createOperations({ database: sqlite(':memory:') });
/** All routes of dotmac, behind the whole pipeline, with nothing behind them: what gets through to them is as it should be. */
const served: Module = {
  name: 'served',
  routes: routes.map(({ alsoNeeds: _, deferred: _deferred, ...route }) => ({
    ...route,
    run: () => {
      throw TAKEN({});
    },
  })),
  scope: () => undefined,
  start: async () => {},
  stop: async () => {},
  readiness: () => ({ ready: true, parts: {} }),
};
const key = 'a-key';
const api = createApi(served, {
  authenticate: (request) =>
    bearerToken(request) === key ? { tenantId: 'acme', actorId: 'reader', permissions: ['*'] } : null,
  rateLimits: { principal: false, address: false },
  metrics: new Registry(),
});
const segmentsOf = (path: string): string[] => path.split('/');
const matches = (template: string, path: string): boolean => {
  const [wanted, given] = [segmentsOf(template), segmentsOf(path)];
  return (
    wanted.length === given.length &&
    wanted.every((it, at) => (it.startsWith('{') ? given[at] !== '' : it === given[at]))
  );
};

/** Options of curl that say nothing about the request. */
const quiet = { alone: new Set(['-f', '-s', '-S', '-i', '-N', '-fsS']), withValue: new Set(['-m', '--retry', '-o']) };

/** What is in the files that a reader has. */
const files: Readonly<Record<string, string>> = {
  'backup.json': '{"monitorList":[{}]}',
  'config.json': '{"endpoints":[{}]}',
};

/** The request that a `curl` makes. */
function requestOf([, ...words]: readonly string[]) {
  const headers: Record<string, string> = {};
  let [method, address, data]: (string | undefined)[] = [];
  while (words.length > 0) {
    const option = words.shift() ?? '';
    if (quiet.alone.has(option)) continue;
    const value = option.startsWith('-') ? words.shift() : option;
    if (option === '-X') method = value;
    else if (option === '-H')
      headers[(/^[^:]*/.exec(value ?? '')?.[0] ?? '').toLowerCase()] = (value ?? '').replace(/^[^:]*:\s*/, '');
    else if (['-d', '-T', '--data-binary'].includes(option))
      data = value?.startsWith('@') ? (files[value.slice(1)] ?? '') : option === '-T' ? '' : value;
    else if (!option.startsWith('-')) address = value;
    else if (!quiet.withValue.has(option)) throw new Error(`what is ${option}?`);
  }
  return { method: method ?? (data === undefined ? 'GET' : 'POST'), address: address ?? '', headers, data };
}

/** What is wrong with the request of a `curl`; undefined when nothing is. */
async function faultOf(command: readonly string[]): Promise<string | undefined> {
  const { method, address, headers, data } = requestOf(command);
  const [, path, search] = /^(?:http:\/\/)?localhost:3000(\/[^?]*)(?:\?(.*))?$/.exec(address) ?? [];
  if (path === undefined) return `${address} is no address of the API`;
  const route = api.routes
    .filter((it) => it.method === method && matches(it.path, path))
    .toSorted((one, other) => Number(one.path.includes('{')) - Number(other.path.includes('{')))[0];
  if (!route) return `there is no ${method} ${path}`;
  const answer = await ask(route, path, new URLSearchParams(search), headers, data);
  return answer.status === 200 || answer.body.includes('"TAKEN"') ? undefined : `${method} ${path}: ${answer.body}`;
}

async function ask(
  route: ApiRoute,
  path: string,
  query: URLSearchParams,
  headers: Record<string, string>,
  data?: string,
) {
  const given = segmentsOf(path);
  const params = segmentsOf(route.path).flatMap((it, at) =>
    it.startsWith('{') ? [[it.slice(1, -1), given[at] ?? '']] : [],
  );
  const { status, body } = await route.handle({
    method: route.method,
    path,
    mountedAt: '',
    params: Object.fromEntries(params) as Record<string, string>,
    query: Object.fromEntries(query),
    headers: { ...headers, ...(data !== undefined && { 'content-length': String(Buffer.byteLength(data)) }) },
    remoteAddress: '192.0.2.1',
    body: { stream: Readable.from(data === undefined ? [] : [Buffer.from(data)]) },
    signal: new AbortController().signal,
  });
  return { status, body: String(body) };
}

/** What a reader has to fill in: the key, and what earlier answers said. */
const known = [
  ...['ID', 'CHANNEL', 'RUN', 'NEW', 'SERVICE', 'DELIVERY', 'GATEWAY', 'TOKEN'].map(
    (name) => [name, 'some-id'] as const,
  ),
  ...[['KEY', key] as const, ['HEARTBEAT', '/network-monitoring/heartbeats/some-token'] as const],
];

/** The `curl`s of a page, each after what the page said before it. */
function curlsOf(page: string): { where: string; command: string[] }[] {
  const variables = new Map<string, string>(known);
  return examplesIn(page, 'sh', 'console').flatMap(({ line, code }) => {
    // Of a console, what comes after its prompt was typed.
    const typed = /^\$ /m.test(code) ? [...code.matchAll(/^\$ (.*)$/gm)].map(([, it]) => it).join('\n') : code;
    const commands = commandsOf(typed, variables).filter(([program]) => program === 'curl');
    return commands.map((command) => ({ where: `${page} line ${line}`, command }));
  });
}

describe('the requests of the documentation', () => {
  it('are such as are taken, with all that they need', async () => {
    const curls = pages.flatMap(curlsOf);
    expect(curls.length).toBeGreaterThan(60);
    const faults: string[] = [];
    for (const { where, command } of curls) {
      const fault = await faultOf(command);
      if (fault !== undefined) faults.push(`${where}: ${fault}`);
    }
    expect(faults).toEqual([]);
  });

  it('are found out when they are not', async () => {
    const wrong = (script: string) => faultOf(commandsOf(script, new Map(known))[0] ?? []);
    const registers = 'curl localhost:3000/network-monitoring/endpoints -H "Authorization: Bearer $KEY"';
    const json = `-H 'Content-Type: application/json'`;
    expect(await wrong(`${registers} ${json} -d '{"name":"a","host":"b.example","service_type":"icmp"}'`)).toBe(
      undefined,
    );
    expect(await wrong(`${registers} ${json} -d '{"name":"a","hots":"b.example","service_type":"icmp"}'`)).toContain(
      'hots',
    );
    expect(await wrong(`${registers} -d '{}'`)).toContain('UNSUPPORTED_MEDIA_TYPE');
    expect(await wrong('curl localhost:3000/network-monitoring/endpoints')).toContain('UNAUTHENTICATED');
    expect(await wrong('curl localhost:3000/network-monitoring/endpoint')).toContain('there is no');
    expect(await wrong('curl $BASE/network-monitoring/endpoints -H "Authorization: Bearer $KEY"')).toContain(
      'no address',
    );
  });

  it('are to paths that there are, also those among the sentences', () => {
    const bare = (path: string): string => path.replaceAll(/\{\w+\}/g, '{}');
    const served = api.routes.map(({ method, path }) => `${method} ${bare(path)}`);
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/`(GET|POST|PUT|PATCH|DELETE)\s+(…?)(\/[^\s`?]*)/g)].map(
        ([, method = '', , path = '']) => ({ page, method, path: bare(path) }),
      ),
    );
    expect(named.length).toBeGreaterThan(60);
    expect(
      named.filter(({ method, path }) => !served.some((it) => it.startsWith(`${method} `) && it.endsWith(path))),
    ).toEqual([]);
  });
});
