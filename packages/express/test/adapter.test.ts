import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { adapterSuite, runSuite, type ServeModule } from '@dotmac/core/testing';
import express5 from 'express';
import express4 from 'express4';
import { describe, it } from 'vitest';
import { expressRouter } from '../src/index.js';

const versions: Record<string, typeof express5> = { 'Express 5': express5, 'Express 4': express4 as typeof express5 };

for (const [version, express] of Object.entries(versions)) {
  const listen =
    (prepare: (app: express5.Express) => void): ServeModule =>
    async (module, options) => {
      const app = express();
      prepare(app);
      app.use(expressRouter(module, { ...options, terminal: true }));
      const server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        async close() {
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        },
      };
    };
  describe(version, () => {
    runSuite(adapterSuite, { describe, it }, async () => ({ subject: listen(() => undefined) }));
  });
}
