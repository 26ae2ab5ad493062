import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from '@dotmac/core/kysely';
import type { LineResult } from '@dotmac/core/contract';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createHealth,
  kyselyHealthStore,
  memoryHealthStore,
  type EndpointDraft,
  type ImportedLine,
} from '../src/index.js';
import { linesOf } from '../src/endpoints/import.js';
import { staged } from './support/staged.js';

const all = async (lines: AsyncIterable<ImportedLine>): Promise<ImportedLine[]> => {
  const found: ImportedLine[] = [];
  for await (const it of lines) found.push(it);
  return found;
};
const draft = (name: string, more: object = {}): EndpointDraft => ({
  ...{ name, host: 'gw.example.com', port: 443, serviceType: 'https' },
  ...more,
});

describe('an import', () => {
  it('registers ten thousand, each answered in its order, into a database', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dotmac-import-'));
    const database = sqlite(join(folder, 'health.db'));
    const health = createHealth({ store: kyselyHealthStore(database), clock: fakeClock(), monitoring: false });
    await health.start();
    onTestFinished(async () => {
      await health.stop();
      await database.close();
      rmSync(folder, { recursive: true });
    });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    const drafts = Array.from({ length: 10_000 }, (_, index) => draft(`endpoint ${index}`));
    const results = await all(endpoints.import(linesOf(drafts)));
    expect(results.map(({ line, status }) => `${line} ${status}`)).toEqual(
      drafts.map((_, index) => `${index + 1} created`),
    );
    expect(health.scope({ tenantId: 'acme' }).status().totalEndpoints).toBe(10_000);
    expect((await endpoints.get(results[9_999]?.id ?? '')).name).toBe('endpoint 9999');
  }, 120_000);

  it('counts in a dry run what it would have kept, batch by batch, and takes no place for it', async () => {
    const health = createHealth({
      store: memoryHealthStore(),
      clock: fakeClock(),
      monitoring: false,
      maxEndpoints: 300,
    });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    const drafts = Array.from({ length: 450 }, (_, index) => draft(`endpoint ${index}`));
    const results = await all(endpoints.import(linesOf(drafts), { dryRun: true }));
    expect(results.filter(({ status }) => status === 'valid')).toHaveLength(300);
    expect(results.at(-1)).toMatchObject({ status: 'refused', code: 'ENDPOINT_LIMIT_REACHED' });
    const kept = await all(endpoints.import(linesOf(drafts)));
    expect(kept.map(({ status }) => status === 'created')).toEqual(results.map(({ status }) => status === 'valid'));
  });

  it('refuses what is wrong, and goes on', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), monitoring: false, maxEndpoints: 2 });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    const drafts = [
      draft('one'),
      draft('loopback', { host: '127.0.0.1' }),
      draft('typo', { serviceType: 'htps' }),
      draft('two'),
      draft('three'),
    ];
    const results = await all(endpoints.import(linesOf(drafts)));
    expect(results.map(({ status, code, errors }) => [status, code, errors[0]?.path])).toEqual([
      ['created', null, undefined],
      ['refused', 'INVALID_INPUT', 'host'],
      ['refused', 'INVALID_INPUT', 'service_type'],
      ['created', null, undefined],
      ['refused', 'ENDPOINT_LIMIT_REACHED', ''],
    ]);
  });

  it('takes drafts in code', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), monitoring: false });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    const answers = await endpoints.registerMany([draft('one'), draft('two', { port: 0 })]);
    expect(answers.map(({ line, status }) => [line, status])).toEqual([
      [1, 'created'],
      [2, 'refused'],
    ]);
  });

  it('keeps nothing of a dry run', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), monitoring: false });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    const [only] = await all(endpoints.import(linesOf([draft('one')]), { dryRun: true }));
    expect(only).toMatchObject({ status: 'valid', id: null });
    expect((await endpoints.list()).items).toEqual([]);
  });

  it('answers a line without waiting for the next', async () => {
    const { scope } = await staged((clock) => memoryHealthStore({ clock }));
    let give: () => void = () => undefined;
    async function* slowly(): AsyncGenerator<LineResult<EndpointDraft>> {
      yield { line: 1, ok: true, value: draft('one') };
      await new Promise<void>((resolve) => (give = resolve));
      yield { line: 2, ok: true, value: draft('two') };
    }
    const answers = scope.endpoints.import(slowly())[Symbol.asyncIterator]();
    expect((await answers.next()).value).toMatchObject({ line: 1, status: 'created' });
    const second = answers.next();
    give();
    expect((await second).value).toMatchObject({ line: 2, status: 'created' });
    expect((await answers.next()).done).toBe(true);
  });

  it('spreads the first checks over their intervals', async () => {
    const { clock, scope, probed } = await staged((it) => memoryHealthStore({ clock: it }));
    const drafts = Array.from({ length: 200 }, (_, index) => ({
      ...{ name: `e${index}`, serviceType: 'played', checkInterval: 100, config: { name: `e${index}` } },
    }));
    await all(scope.endpoints.import(linesOf(drafts)));
    await clock.advance(1_000);
    expect(probed.length).toBeLessThan(20);
    for (let count = 0; count < 10; count++) await clock.advance(10_000);
    expect(new Set(probed).size).toBe(200);
  });
});
