import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kyselyHealthStore, type HealthScope } from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';

const key = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;

/** Many channels whose receiver takes messages and never answers, half of them of another tenant, and one that works. */
async function stage(hanging: number) {
  const database = sqlite(':memory:');
  onTestFinished(() => database.close());
  const it = await staged((clock) => kyselyHealthStore(database, { clock }));
  const [deaf, good] = [await receiver(), await receiver()];
  deaf.is.status = 'hangs';
  const create = async (scope: HealthScope, name: string, url: string): Promise<string> => {
    const draft = { name, kind: 'webhook', config: { url }, secrets: { key }, groupWait: 0 };
    return (await scope.channels.create(draft)).id;
  };
  const globex = it.health.scope({ tenantId: 'globex', actor: 'user:1' });
  for (const scope of [it.scope, globex]) {
    const channelIds = [];
    for (let index = 0; index < hanging / 2; index++) channelIds.push(await create(scope, `deaf ${index}`, deaf.url));
    for (let at = 0; at < channelIds.length; at += 10)
      await scope.alerts.create({ name: 'all', channelIds: channelIds.slice(at, at + 10) });
  }
  // The last of all: whoever is before it is served first.
  await it.scope.alerts.create({ name: 'good', channelIds: [await create(it.scope, 'good', good.url)] });
  const draft = { name: 'theirs', serviceType: 'played', checkInterval: 5, retryCount: 1, config: { name: 'theirs' } };
  await globex.endpoints.register(draft);
  return { ...it, deaf, good };
}

describe('receivers that take messages and never answer', () => {
  it.each([
    ['a hundred and fifty, more than are written to at once', 150, 20_000],
    ['eighty, nearly as many', 80, 15_000],
  ])('%s, hold up no check, and another channel not for long', async (_, hanging, withinMs) => {
    const { clock, good, deaf, register, states, probed, until } = await stage(hanging);
    const names = ['web', 'mail', 'steady'];
    for (const name of names) await register(name);
    await until(() => names.every((name) => probed.includes(name)));
    await clock.advance(10_000);
    states.set('web', 'offline').set('theirs', 'offline');
    await until(() => deaf.received.length >= Math.min(hanging, 100) - 1, 100);
    const failedAt = clock.now();
    states.set('mail', 'offline');
    probed.length = 0;
    await until(() => good.received.some(({ text }) => text.includes('mail is offline')), 100);
    const tookMs = clock.now() - failedAt;
    // Its next check, and what the channel waits for.
    expect(tookMs).toBeLessThan(5_000 + withinMs);
    const checks = probed.filter((name) => name === 'steady').length;
    expect(checks).toBeGreaterThanOrEqual(Math.floor(tookMs / 5_000));
    await clock.advance(60_000);
    expect(probed.filter((name) => name === 'steady').length).toBeGreaterThanOrEqual(checks + 12);
  });
});
