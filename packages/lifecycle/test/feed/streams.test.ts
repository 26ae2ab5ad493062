import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig } from '../support/lifecycle.js';

const [inMemory] = backends;
const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [{ key: 'boss', approval: { quorum: 1 } }],
});

it('streams of the feed and of runs keep no place once they are over, read or not, within the host’s limits', async () => {
  const backend = await (inMemory?.create() as Promise<Backend>);
  const limits = { maxStreams: 2, maxStreamsPerTenant: 1 };
  const { module, acme, other, active, stop } = await rig(backend, { templates: [template], ...limits });
  const { id } = await acme.services.request(await active(), { serviceName: 'internet' });
  acme.feed.follow({ signal: AbortSignal.abort() });
  await acme.provisioning.follow(id, { signal: AbortSignal.abort() });
  await acme.feed.follow()[Symbol.asyncIterator]().return?.();
  await (await acme.provisioning.follow(id))[Symbol.asyncIterator]().return?.();
  const open = acme.feed.follow()[Symbol.asyncIterator]();
  await expect(acme.provisioning.follow(id)).rejects.toMatchObject({ code: 'STREAM_LIMIT_REACHED' });
  other.feed.follow();
  const third = module.scope({ tenantId: 'third' }).feed;
  expect(() => third.follow()).toThrow(expect.objectContaining({ code: 'STREAMS_FULL' }));
  await open.return?.();
  third.follow();
  await stop();
});

it('a stream is over as soon as it is left, however much of the feed nobody has read yet', async () => {
  const backend = await (inMemory?.create() as Promise<Backend>);
  const { store } = backend;
  const leaving = new AbortController();
  let lots = 0;
  const long: LifecycleStore = {
    ...store,
    tenant(tenantId) {
      const own = store.tenant(tenantId);
      const number = (): Promise<{ last: number; given: number }> => {
        lots += 1;
        if (lots === 3) leaving.abort();
        return Promise.resolve({ last: lots * 250, given: lots < 800 ? 250 : 0 });
      };
      return { ...own, history: { ...own.history, number } };
    },
  };
  const { acme, stop } = await rig({ ...backend, store: long });
  const { signal } = leaving;
  expect(await acme.feed.follow({ signal, lastEventId: '7' })[Symbol.asyncIterator]().next()).toMatchObject({
    done: true,
  });
  await stop();
  expect(lots).toBe(3);
});
