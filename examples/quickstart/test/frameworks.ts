import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Authenticate, ServedModule } from '@dotmac/core/http';
import { expressRouter } from '@dotmac/express';
import { fastifyRoutes } from '@dotmac/fastify';
import express from 'express';
import fastify from 'fastify';

/** A module that is served by itself. */
export interface Served {
  url: string;
  close(): Promise<unknown>;
}

const authenticate: Authenticate = () => ({ tenantId: 'acme', actorId: 'user:1', permissions: ['*'] });

/** One module alone, behind each of the frameworks; whoever asks is `user:1` of `acme`. */
export const frameworks: Record<string, <Scope>(module: ServedModule<Scope>) => Promise<Served>> = {
  async express(module) {
    const server = express().use(expressRouter(module, { authenticate })).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const closed = once(server, 'close');
    return { url, close: () => (server.close(), server.closeAllConnections(), closed) };
  },
  async fastify(module) {
    const server = fastify({ forceCloseConnections: true });
    await server.register(fastifyRoutes, { operations: module, authenticate });
    return { url: await server.listen({ port: 0, host: '127.0.0.1' }), close: () => server.close() };
  },
};
