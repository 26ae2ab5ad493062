// The bare framework: the two routes with a key check and a validation of its own, and nothing else.
import { createHash } from 'node:crypto';
import express from 'express';
import fastify from 'fastify';
import { z } from 'zod';
import { works } from './work.mjs';

const [framework, kind] = process.argv.slice(2);
const { summary, register } = await works[kind]();
const keys = new Map([[createHash('sha256').update('bench-key').digest('hex'), 'bench']]);
const tenantOf = (authorization) => keys.get(createHash('sha256').update(String(authorization).slice(7)).digest('hex'));

const servers = {
  async fastify() {
    const app = fastify();
    const number = (minimum, maximum, fallback) => ({ type: 'number', minimum, maximum, default: fallback });
    const body = {
      type: 'object',
      required: ['name', 'host', 'port', 'service_type'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 200 },
        host: { type: 'string', minLength: 1, maxLength: 253 },
        port: { type: 'integer', minimum: 1, maximum: 65535 },
        service_type: { type: 'string', enum: ['tcp', 'http', 'https'] },
        check_interval: number(5, 3600, 30),
        timeout: number(1, 60, 5),
        retry_count: number(1, 10, 3),
        expected_response_time: number(0.1, 30, 1),
      },
    };
    app.addHook('onRequest', async (request, reply) => {
      request.tenant = tenantOf(request.headers.authorization);
      if (!request.tenant) reply.code(401).send({ error: 'unauthenticated' });
    });
    app.get('/network-monitoring/health', async (request) => summary(request.tenant));
    app.post('/network-monitoring/endpoints', { schema: { body } }, async (request, reply) =>
      reply.code(201).send(await register(request.tenant, request.body)),
    );
    return app.listen({ port: 0, host: '127.0.0.1' });
  },
  express: () =>
    new Promise((resolve) => {
      const app = express();
      const body = z.strictObject({
        name: z.string().min(1).max(200),
        host: z.string().min(1).max(253),
        port: z.number().int().min(1).max(65535),
        service_type: z.enum(['tcp', 'http', 'https']),
        check_interval: z.number().min(5).max(3600).default(30),
        timeout: z.number().min(1).max(60).default(5),
        retry_count: z.number().int().min(1).max(10).default(3),
        expected_response_time: z.number().min(0.1).max(30).default(1),
      });
      app.use((request, response, next) => {
        request.tenant = tenantOf(request.headers.authorization);
        if (request.tenant) next();
        else response.status(401).json({ error: 'unauthenticated' });
      });
      app.get('/network-monitoring/health', (request, response) => response.json(summary(request.tenant)));
      app.post('/network-monitoring/endpoints', express.json(), async (request, response) => {
        const { success, data } = body.safeParse(request.body);
        if (success) response.status(201).json(await register(request.tenant, data));
        else response.status(422).json({ error: 'invalid' });
      });
      const server = app.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
    }),
};
process.send({ url: await servers[framework]() });
