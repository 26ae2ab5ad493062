import { sqlite } from '@dotmac/core/kysely';
import type { FakeClock } from '@dotmac/core/testing';
import { onTestFinished, vi } from 'vitest';
import { kyselyHealthStore, memoryHealthStore, type HealthOptions, type HealthStore } from '../../src/index.js';
import { receiver, staged, type Received } from './staged.js';

// Hours of waiting, or a day of attempts, are many turns of every timer, and take as long as the machine is busy.
vi.setConfig({ testTimeout: 240_000 });

/** What the webhooks of these tests are signed with. */
export const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Item {
  kind: string;
  incident_id: string;
  endpoint_name: string;
  severity: string;
  duration: number | null;
  text: string;
}

/** What a webhook was told. */
export const messageOf = ({ text }: Received) =>
  JSON.parse(text) as { id: string; type: string; text: string; items: Item[] };

/**
 * What came, once each, as a receiver counts that honours the id: where a test's steps are longer than a delivery may take,
 * a busy machine answers too late by the clock, and is told again.
 */
export const distinct = (received: readonly Received[]): Received[] => {
  const ids = received.map(({ headers }) => headers['webhook-id']);
  return received.filter((_, index) => ids.indexOf(ids[index]) === index);
};

/** What of which endpoints was told, in order. */
export const toldIn = (received: readonly Received[]): string[] =>
  received.flatMap((it) => messageOf(it).items.map(({ kind, endpoint_name }) => `${kind} ${endpoint_name}`));

/** The stores that alerts are tried on. */
export const stores = [
  ['in memory', (clock: FakeClock) => memoryHealthStore({ clock })],
  [
    'on SQLite',
    (clock: FakeClock) => {
      const database = sqlite(':memory:');
      onTestFinished(() => database.close());
      return kyselyHealthStore(database, { clock });
    },
  ],
] as const;

/** Stages a webhook that a rule tells of everything but what is merely slow. */
export const alerting =
  (makeStore: (clock: FakeClock) => HealthStore) =>
  async (rule: object = {}, channel: object = {}, options: Partial<HealthOptions> = {}) => {
    const hook = await receiver();
    const it = await staged(makeStore, options);
    const { id: channelId } = await it.scope.channels.create({
      name: 'noc',
      kind: 'webhook',
      config: { url: hook.url },
      secrets: { key },
      ...channel,
    });
    const { id: ruleId } = await it.scope.alerts.create({ name: 'all', channelIds: [channelId], ...rule });
    const passes = (ms: number) => it.clock.advance(ms);
    const timelineOf = async (endpointId: string) => {
      const [incident] = (await it.scope.incidents.list({ endpointId })).items;
      return (await it.scope.incidents.get(incident?.id ?? '')).timeline.map(({ kind, text }) => `${kind} ${text}`);
    };
    return { ...it, hook, channelId, ruleId, passes, timelineOf };
  };
