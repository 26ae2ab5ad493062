import assert from 'node:assert/strict';

export const everything = [
  '@dotmac/core',
  '@dotmac/health',
  '@dotmac/lifecycle',
  '@dotmac/maintenance',
  '@dotmac/operations',
  '@dotmac/express',
  '@dotmac/fastify',
  '@dotmac/probes-isp',
];

/** One application, written for either module system, with types or without: serves a request through both frameworks. */
const serving = (imports, typed = false) => `
${imports}
const authenticate = apiKeyAuthenticator([{ hash: hashApiKey('k'), tenantId: 'acme', actorId: 'neo', permissions: ['*'] }]);
const headers = { authorization: 'Bearer k', 'content-type': 'application/json' };
async function ask(url${typed ? ': string' : ''}) {
  const body = JSON.stringify({ name: 'gateway', host: 'gw.example.com', port: 443, service_type: 'https' });
  const made = await fetch(url + '/network-monitoring/endpoints', { method: 'POST', headers, body });
  const seen = await fetch(url + '/network-monitoring/health', { headers });
  const docs = await fetch(url + '/docs/swagger-ui.css');
  console.log(made.status, (await seen.json()${typed ? ' as { total_endpoints: number }' : ''}).total_endpoints, docs.status);
}
async function main() {
  const database = sqlite('app.db');
  const operations = createOperations({
    database, authenticate, health: { monitoring: false, probes: [snmpProbe(), radiusProbe()] }, lifecycle: { secret: 'a secret of thirty-two characters' },
  });
  await operations.start();
  const server = express().use(expressRouter(operations)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await ask('http://127.0.0.1:' + (server.address()${typed ? ' as { port: number }' : ''}).port);
  server.closeAllConnections();
  server.close();
  const app = fastify({ forceCloseConnections: true });
  await app.register(fastifyRoutes, { operations });
  await ask(await app.listen({ port: 0, host: '127.0.0.1' }));
  await app.close();
  await operations.stop();
  await database.close();
}
main();
`;
const names = {
  '@dotmac/core/http': '{ apiKeyAuthenticator, hashApiKey }',
  '@dotmac/core/kysely': '{ sqlite }',
  '@dotmac/operations': '{ createOperations }',
  '@dotmac/probes-isp': '{ radiusProbe, snmpProbe }',
  '@dotmac/express': '{ expressRouter }',
  '@dotmac/fastify': '{ fastifyRoutes }',
};
const entries = Object.entries(names);
const esm = `${entries.map(([from, what]) => `import ${what} from '${from}';`).join('\n')}
import express from 'express';
import fastify from 'fastify';`;
const cjs = `${entries.map(([from, what]) => `const ${what} = require('${from}');`).join('\n')}
const express = require('express');
const fastify = require('fastify');`;
const peers = ['better-sqlite3', 'express', 'fastify'];
const served = '201 1 200\n201 2 200\n';

const typed = `
import type { Principal } from '@dotmac/core/http';
import { isOperationError } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { createHealth, memoryHealthStore, type Endpoint } from '@dotmac/health';
import { healthStoreSuite } from '@dotmac/health/testing';
import { createLifecycle, defineServiceTemplate, memoryLifecycleStore } from '@dotmac/lifecycle';
import { createMaintenance, memoryMaintenanceStore } from '@dotmac/maintenance';
import { createOperations } from '@dotmac/operations';
import { radiusProbe, snmpProbe, type SnmpSettings } from '@dotmac/probes-isp';
import { expressRouter } from '@dotmac/express';
import { fastifyRoutes } from '@dotmac/fastify';

export const authenticate = (): Principal | null => null;
export async function main(): Promise<string[]> {
  const health = createHealth({ store: memoryHealthStore(), probes: [snmpProbe(), radiusProbe()] });
  const version: SnmpSettings['version'] = '3';
  const endpoint: Endpoint = await health.scope({ tenantId: 'acme' }).endpoints.get('1');
  // @ts-expect-error: an endpoint has no such member, so the types are really read.
  endpoint.doesNotExist;
  const operations = createOperations({ database: sqlite('x.db'), authenticate });
  return [endpoint.lastStatus, operations.name, typeof isOperationError, typeof expressRouter, typeof fastifyRoutes,
    typeof createLifecycle, typeof defineServiceTemplate, typeof memoryLifecycleStore, typeof createMaintenance,
    typeof memoryMaintenanceStore, healthStoreSuite.name, version];
}
`;
const typeChecked = (module, moduleResolution) => ({
  name: `an application type-checked under ${moduleResolution}`,
  application: {
    packages: everything,
    peers: [...peers, '@types/express', '@types/node', 'prom-client', 'zod', 'kysely'],
    files: {
      'types.ts': typed,
      'types.cts': typed,
      'app.ts': serving(esm, true),
      'tsconfig.json': JSON.stringify({
        compilerOptions: { module, moduleResolution, target: 'es2022', strict: true, skipLibCheck: false },
        files: moduleResolution === 'bundler' ? ['types.ts', 'app.ts'] : ['types.ts', 'types.cts', 'app.ts'],
      }),
    },
  },
  check({ run, cwd, tsc }) {
    assert.equal(run(cwd, process.execPath, tsc, '-p', '.'), '');
    assert.equal(run(cwd, process.execPath, 'app.js'), served);
  },
});

const healthAlone = `
import { sqlite } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '@dotmac/health';
const database = sqlite('health.db');
const health = createHealth({ store: kyselyHealthStore(database) });
try {
  await health.start();
  const { endpoints } = health.scope({ tenantId: 'acme' });
  const { id } = await endpoints.register({ name: 'gw', host: 'gw.example.com', port: 443, serviceType: 'https' });
  console.log((await endpoints.get(id)).lastStatus);
} catch (error) {
  console.log(error.code, error.message, error.hint);
}
await health.stop();
await database.close();
`;

/** Applications, and what they must come to. */
export const cases = [
  {
    name: 'an ESM application',
    application: { packages: everything, peers, files: { 'app.js': serving(esm) } },
    check: ({ run, cwd }) => assert.equal(run(cwd, process.execPath, 'app.js'), served),
  },
  {
    name: 'a CommonJS application',
    application: { packages: everything, peers, type: 'commonjs', files: { 'app.js': serving(cjs) } },
    check: ({ run, cwd }) => assert.equal(run(cwd, process.execPath, 'app.js'), served),
  },
  typeChecked('nodenext', 'nodenext'),
  typeChecked('esnext', 'bundler'),
  {
    name: 'health and better-sqlite3, and nothing else',
    application: {
      packages: ['@dotmac/health', '@dotmac/core'],
      peers: ['better-sqlite3'],
      files: { 'app.js': healthAlone },
    },
    check({ run, cwd }) {
      for (const absent of ['pg', 'mysql2', 'ioredis', 'dockerode', 'express', 'fastify'])
        assert.throws(() => run(cwd, process.execPath, '-e', `require.resolve('${absent}')`), absent);
      assert.equal(run(cwd, process.execPath, 'app.js'), 'unknown\n');
    },
  },
  {
    name: 'no driver at all',
    application: { packages: ['@dotmac/health', '@dotmac/core'], files: { 'app.js': healthAlone } },
    check({ run, cwd }) {
      const said = run(cwd, process.execPath, 'app.js');
      assert.match(said, /^DRIVER_MISSING SQLite needs the package "better-sqlite3", which is not installed\./);
      assert.match(said, /npm install/);
    },
  },
];
