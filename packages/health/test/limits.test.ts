import { newId } from '@dotmac/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createHealth, defineChannel, type Health, type HealthScope, type HealthStore } from '../src/index.js';
import type { Documents } from '../src/store/documents.js';
import type { TenantSettings } from '../src/store/store.js';
import { healthStores } from './support/stores.js';

const startsAt = Date.UTC(2030, 0, 1);
const pager = defineChannel({
  kind: 'pager',
  summary: 'Tells nobody',
  config: z.strictObject({}),
  secrets: z.strictObject({}),
  deliver: () => Promise.resolve(),
});
const channel = { name: 'on call', kind: 'pager' };

/** What a tenant has so many of at the most: how one is made, and where they are kept. */
const limited: {
  of: string;
  most: number;
  code: string;
  kept: keyof TenantSettings;
  make(scope: HealthScope, channelId: string): Promise<{ id: string }>;
}[] = [
  {
    of: 'a channel',
    most: 100,
    code: 'CHANNEL_LIMIT_REACHED',
    kept: 'channels',
    make: ({ channels }) => channels.create(channel),
  },
  {
    of: 'an alert rule',
    most: 100,
    code: 'ALERT_RULE_LIMIT_REACHED',
    kept: 'rules',
    make: ({ alerts }, channelId) => alerts.create({ name: 'all', channelIds: [channelId] }),
  },
  {
    of: 'an objective',
    most: 100,
    code: 'OBJECTIVE_LIMIT_REACHED',
    kept: 'objectives',
    make: ({ objectives }) => objectives.create({ name: 'up', tag: 'core', target: 0.99 }),
  },
  {
    of: 'a status feed',
    most: 50,
    code: 'STATUS_FEED_LIMIT_REACHED',
    kept: 'statusFeeds',
    make: ({ statusFeeds }) => statusFeeds.create({ name: 'all', title: 'All', tags: ['core'] }),
  },
  {
    of: 'a maintenance window',
    most: 200,
    code: 'WINDOW_LIMIT_REACHED',
    kept: 'windows',
    make: ({ windows }) => windows.create({ name: 'patching', startsAt, endsAt: startsAt + 60_000 }),
  },
];

for (const { title, open } of healthStores)
  describe(`of thirty who race for the last place ${title}`, () => {
    let subject: Awaited<ReturnType<typeof open>>;
    let store: HealthStore;
    let health: Health;
    beforeEach(async () => {
      subject = await open();
      store = subject.subject;
      health = createHealth({ store, monitoring: false, channels: [pager] });
      await health.start();
    });
    afterEach(async () => {
      await health.stop();
      await subject.close?.();
    });

    it.each(limited)('one makes $of', async ({ most, code, kept, make }) => {
      const [acme, other] = ['acme', 'other'].map((tenantId) => health.scope({ tenantId, actor: 'user:1' }));
      if (!acme || !other) throw new Error('There are two');
      const documents = store.tenant('acme')[kept] as Documents<{ id: string }>;
      const { id: channelId } = kept === 'rules' ? await acme.channels.create(channel) : { id: '' };
      const first = await documents.get((await make(acme, channelId)).id);
      for (let made = 2; made < most; made++) await documents.insert({ ...first, id: newId() });
      const outcomes: Record<string, number> = {};
      for (const outcome of await Promise.allSettled(Array.from({ length: 30 }, () => make(acme, channelId)))) {
        const told = outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code;
        outcomes[told] = (outcomes[told] ?? 0) + 1;
      }
      expect(outcomes).toEqual({ done: 1, [code]: 29 });
      expect((await documents.list({ limit: 500, after: null })).items).toHaveLength(most);
      if (kept !== 'rules') expect(await make(other, channelId)).toHaveProperty('id');
    });
  });
