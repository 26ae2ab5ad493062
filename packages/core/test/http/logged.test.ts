import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { coreErrors, silentLogger, type ErrorExtras } from '../../src/index.js';
import { createApi } from '../../src/http/index.js';

/** What is logged of a request that is refused because the database does not answer. */
async function loggedOf(extras: ErrorExtras): Promise<object[]> {
  const logged: object[] = [];
  const module = {
    name: 'nothing',
    routes: [],
    scope: () => undefined,
    start: async () => {},
    stop: async () => {},
    readiness: () => {
      throw coreErrors.STORE_UNAVAILABLE({ operation: 'reading' }, extras);
    },
  };
  const logger = { ...silentLogger, warn: (fields: object) => void logged.push(fields) };
  const { routes } = createApi(module, { authenticate: () => null, logger });
  await routes
    .find(({ path }) => path === '/readyz')
    ?.handle({
      ...{ method: 'GET', path: '/readyz', mountedAt: '', params: {}, query: {}, headers: {} },
      ...{ remoteAddress: '192.0.2.1', body: { stream: Readable.from([]) }, signal: new AbortController().signal },
    });
  return logged;
}

it('says why something is unavailable, where there is a cause to say', async () => {
  expect(await loggedOf({ cause: new Error('connection refused') })).toMatchObject([
    { code: 'STORE_UNAVAILABLE', cause: { error: 'connection refused' } },
  ]);
  expect(await loggedOf({})).toEqual([
    { requestId: expect.any(String) as string, method: 'GET', route: '/readyz', code: 'STORE_UNAVAILABLE' },
  ]);
});
