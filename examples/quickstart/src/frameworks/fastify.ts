import { fastifyRoutes } from '@dotmac/fastify';
import type { Operations } from '@dotmac/operations';
import fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import { drained, type Listening } from './listening.js';

/** Serves the operations with Fastify 5. */
export async function listenWithFastify(operations: Operations, host: string, port: number): Promise<Listening> {
  const app = fastify({ forceCloseConnections: 'idle' });
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  await app.register(fastifyRoutes, { operations, terminal: true });
  await app.listen({ host, port });
  return { port: (app.server.address() as AddressInfo).port, close: () => drained(app.server, () => app.close()) };
}
