// A server of its own, to be killed: the lifecycle on Fastify. Arguments: database URL; `dies` to kill itself with the
// first customer that is deleted; by how many ms its clock is ahead. It says where it listens.
import { systemClock } from '@dotmac/core';
import type { Authenticate } from '@dotmac/core/http';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { fastifyRoutes } from '@dotmac/fastify';
import { createLifecycle, kyselyLifecycleStore } from '@dotmac/lifecycle';
import Fastify from 'fastify';

const [, , url = '', fate = '', aheadMs = '0'] = process.argv;
const clock = { ...systemClock, now: () => systemClock.now() + Number(aheadMs) };
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(databaseFromUrl(url)),
  secret: 'a secret of more than 32 characters, for tests',
  clock,
  sweepMs: 100,
});
if (fate === 'dies') lifecycle.events.on('customer.deleted', () => void process.kill(process.pid, 'SIGKILL'));
await lifecycle.start();
const authenticate: Authenticate = () => ({ tenantId: 'acme', actorId: 'user:1', permissions: ['*'] });
const server = Fastify();
await server.register(fastifyRoutes, { operations: lifecycle, authenticate });
process.stdout.write(`${await server.listen({ port: 0, host: '127.0.0.1' })}\n`);
