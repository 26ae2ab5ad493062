import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expressRouter } from '@dotmac/express';
import type { Operations } from '@dotmac/operations';
import express from 'express';
import { drained, type Listening } from './listening.js';

/** Serves the operations with Express 5. */
export async function listenWithExpress(operations: Operations, host: string, port: number): Promise<Listening> {
  const app = express().disable('x-powered-by');
  app.get('/', (_request, response) => response.redirect('/docs'));
  app.use(expressRouter(operations, { terminal: true }));
  const server = app.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => drained(server, () => new Promise((resolve) => server.close(resolve))),
  };
}
