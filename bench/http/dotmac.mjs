// dotmac as an application mounts it: one SQLite file, API keys, rate limits, idempotency, and its own validation.
import { apiKeyAuthenticator, hashApiKey } from '@dotmac/core/http';
import { expressRouter } from '@dotmac/express';
import { fastifyRoutes } from '@dotmac/fastify';
import { createOperations } from '@dotmac/operations';
import express from 'express';
import fastify from 'fastify';
import { seededDatabase } from './work.mjs';

const requests = Number.MAX_SAFE_INTEGER;
const operations = createOperations({
  database: await seededDatabase(),
  authenticate: apiKeyAuthenticator([
    { hash: hashApiKey('bench-key'), tenantId: 'bench', actorId: 'bench', permissions: ['*'] },
  ]),
  http: { rateLimits: { principal: { requests }, address: { requests } } },
  // The checks themselves are not what is measured.
  health: { monitoring: false, maxEndpoints: 10_000_000 },
  lifecycle: { secret: 'a secret of the bench, of no worth!' },
});
await operations.start();

const [framework] = process.argv.slice(2);
const servers = {
  async fastify() {
    const app = fastify();
    await app.register(fastifyRoutes, { operations });
    return app.listen({ port: 0, host: '127.0.0.1' });
  },
  express: () =>
    new Promise((resolve) => {
      const app = express();
      app.use(expressRouter(operations));
      const server = app.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
    }),
};
process.send({ url: await servers[framework]() });
