import { adapterSuite, runSuite, type ServeModule } from '@dotmac/core/testing';
import fastify from 'fastify';
import { describe, it } from 'vitest';
import { fastifyRoutes } from '../src/index.js';

const serve: ServeModule = async (module, options) => {
  const app = fastify({ forceCloseConnections: true });
  await app.register(fastifyRoutes, { ...options, operations: module, terminal: true });
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
};

describe('Fastify 5', () => {
  runSuite(adapterSuite, { describe, it }, async () => ({ subject: serve }));
});
