import { sql } from 'kysely';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executorFor } from '@dotmac/core/kysely';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { createApi } from '@dotmac/core/http';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;
const nothing = z.object({});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`steps that wait on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let customerId: string;
    let token: string;

    const templates = (): ReturnType<typeof defineServiceTemplate>[] => {
      const port: ServiceStep = {
        key: 'port',
        run: () => void calls.push('port'),
        compensate: () => void calls.push('release'),
      };
      const account: ServiceStep = { key: 'account', run: () => void calls.push('account') };
      return [
        defineServiceTemplate({
          name: 'approved',
          config: nothing,
          steps: [port, { key: 'boss', approval: { quorum: 2, expiresInMs: 2 * day } }, account],
        }),
        defineServiceTemplate({
          name: 'installed',
          config: nothing,
          steps: [
            port,
            {
              key: 'technician',
              completion: { timeoutMs: day },
              run: ({ completionToken }) => {
                calls.push('order');
                token = completionToken;
              },
              compensate: ({ outcome }) => void calls.push(`withdraw (${outcome})`),
            },
            {
              key: 'account',
              run: ({ outputs }) => void calls.push(`account ${JSON.stringify(outputs['technician'])}`),
            },
          ],
        }),
        defineServiceTemplate({
          name: 'cooling',
          config: nothing,
          steps: [port, { key: 'withdrawal', waitMs: () => 14 * day }, account],
        }),
        defineServiceTemplate({
          name: 'muddled',
          config: nothing,
          steps: [port, { key: 'withdrawal', waitMs: () => Number('a fortnight') }, account],
        }),
        defineServiceTemplate({
          name: 'endless',
          config: nothing,
          steps: [port, { key: 'withdrawal', waitMs: () => 1e17 }, account],
        }),
      ];
    };

    beforeEach(async () => {
      backend = await create();
      [calls, token] = [[], ''];
      run = await rig(backend, { templates: templates() });
      customerId = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const request = async (serviceName: string) => (await run.acme.services.request(customerId, { serviceName })).id;
    const becomes = (id: string, runStatus: string, stepMs = 100) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === runStatus, run.clock, stepMs);
    /** At once: a day of polls on a real database is a long one. */
    const daysPass = (): void => run.clock.set(run.clock.now() + 7 * day);
    const as = (actor: string) => run.module.scope({ tenantId: 'acme', actor }).provisioning;
    const approve = (id: string, actor: string) => as(actor).decide(id, { step: 'boss', decision: 'approve' });

    it('go on once enough people approved, each of them once', async () => {
      const id = await request('approved');
      await becomes(id, 'waiting');
      expect((await run.acme.provisioning.get(id)).steps[1]).toMatchObject({
        status: 'waiting',
        waitsUntil: expect.any(Number),
      });
      await approve(id, 'user:a');
      await expect(approve(id, 'user:a')).rejects.toMatchObject({ code: 'DECISION_MADE' });
      await expect(as('user:b').decide(id, { step: 'port', decision: 'approve' })).rejects.toMatchObject({
        code: 'STEP_NOT_DECIDABLE',
      });
      expect((await run.acme.provisioning.get(id)).runStatus).toBe('waiting');
      await approve(id, 'user:b');
      await becomes(id, 'completed');
      expect(calls).toEqual(['port', 'account']);
      const { lifecycleEvents } = await run.acme.customers.summary(customerId);
      expect(lifecycleEvents.filter(({ eventType }) => eventType === 'service.step_decided')).toHaveLength(2);
    });

    it('take decisions that came before the run did', async () => {
      await run.module.stop();
      const id = await request('approved');
      await approve(id, 'user:a');
      await approve(id, 'user:b');
      await run.module.start();
      await becomes(id, 'completed');
      expect(calls).toEqual(['port', 'account']);
    });

    it('count one of fifty who approve at once with one name', async () => {
      const id = await request('approved');
      await becomes(id, 'waiting');
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => approve(id, 'user:a')));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await run.acme.provisioning.get(id)).runStatus).toBe('waiting');
    });

    it.each(['muddled', 'endless'])('are undone when the time that they are to wait for is none: %s', async (name) => {
      const id = await request(name);
      await becomes(id, 'failed', 1_000);
      expect(calls).toEqual(['port', 'release']);
    });

    it('are undone when somebody rejects, and when nobody decides in time', async () => {
      const rejected = await request('approved');
      await as('user:a').decide(rejected, { step: 'boss', decision: 'reject', comment: 'no capacity' });
      await becomes(rejected, 'failed');
      expect((await run.acme.provisioning.get(rejected)).message).toContain(
        'user:a rejected the step boss: no capacity',
      );
      const expired = await request('approved');
      await becomes(expired, 'waiting');
      daysPass();
      await becomes(expired, 'failed', 1_000);
      expect((await run.acme.provisioning.get(expired)).message).toContain('Nobody approved the step boss in time.');
      expect(calls).toEqual(['port', 'release', 'port', 'release']);
      await expect(approve(expired, 'user:a')).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
    });

    it('are completed from outside with their token, and by nothing else', async () => {
      const id = await request('installed');
      await becomes(id, 'waiting');
      const forged = `${token.slice(0, -4)}AAAA`;
      for (const bad of [forged, 'x', `${Buffer.from('["acme"]').toString('base64url')}.x`])
        await expect(run.acme.provisioning.complete({ token: bad })).rejects.toMatchObject({
          code: 'COMPLETION_TOKEN_INVALID',
        });
      await expect(run.other.provisioning.complete({ token })).rejects.toMatchObject({
        code: 'COMPLETION_TOKEN_INVALID',
      });
      await run.acme.provisioning.complete({ token, output: { serial: 'ONT-7' } });
      await run.acme.provisioning.complete({ token, outcome: 'failed' }).catch(() => undefined);
      await becomes(id, 'completed');
      expect(calls).toEqual(['port', 'order', 'account {"serial":"ONT-7"}']);
    });

    it('are completed over the open route, with the token alone, and with no more than fits', async () => {
      const id = await request('installed');
      await becomes(id, 'waiting');
      const api = createApi(run.module, { authenticate: () => null, verify: true });
      const path = '/customer-lifecycle/provisioning/completions';
      const post = async (body: object) => {
        const response = await api.routes
          .find((route) => route.path === path)
          ?.handle({
            ...{ method: 'POST', path, mountedAt: '', params: {}, query: {}, remoteAddress: '127.0.0.1' },
            headers: { 'content-type': 'application/json' },
            body: { parsed: body },
            signal: new AbortController().signal,
          });
        return [response?.status, JSON.parse(response?.body as string) as unknown];
      };
      const refusal = (code: string) => expect.objectContaining({ code });
      expect(await post({ token: `${token.slice(0, -4)}AAAA` })).toEqual([422, refusal('COMPLETION_TOKEN_INVALID')]);
      const long = { token, output: { text: 'x'.repeat(65_536) } };
      expect(await post(long)).toEqual([422, refusal('INVALID_INPUT')]);
      await expect(run.acme.provisioning.complete(long)).rejects.toMatchObject({ issues: [{ path: 'output' }] });
      expect(await post({ token, output: { serial: 'ONT-9' } })).toEqual([200, { message: 'Noted.' }]);
      await becomes(id, 'completed');
      expect(calls.at(-1)).toBe('account {"serial":"ONT-9"}');
      expect(await post({ token })).toEqual([409, refusal('RUN_NOT_OPEN')]);
    });

    it('fail when they are said to have failed, and when nobody completes them', async () => {
      const failed = await request('installed');
      await becomes(failed, 'waiting');
      await run.acme.provisioning.complete({ token, outcome: 'failed', error: 'nobody at home' });
      await becomes(failed, 'failed');
      expect((await run.acme.provisioning.get(failed)).message).toContain('nobody at home');
      const silent = await request('installed');
      await becomes(silent, 'waiting');
      daysPass();
      await becomes(silent, 'failed', 1_000);
      expect(calls.filter((it) => it.startsWith('withdraw'))).toEqual(['withdraw (unknown)', 'withdraw (unknown)']);
    });

    it('let time pass, also while nobody runs', async () => {
      const id = await request('cooling');
      await becomes(id, 'waiting');
      await run.module.stop();
      run.clock.set(run.clock.now() + 15 * day);
      await run.module.start();
      await becomes(id, 'completed');
      expect(calls).toEqual(['port', 'account']);
    });

    it('are cancelled at any moment, and undone', async () => {
      const id = await request('cooling');
      await becomes(id, 'waiting');
      expect(await run.acme.provisioning.cancel(id)).toMatchObject({ cancelRequestedAt: expect.any(Number) });
      await becomes(id, 'cancelled');
      expect(calls).toEqual(['port', 'release']);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'failed', openRunId: null });
      await expect(run.acme.provisioning.cancel(id)).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
    });
  });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`steps that are under way on ${title}`, () => {
    it('are cut short when their run is cancelled, and undone as of unknown outcome', async () => {
      const backend = await create();
      const calls: string[] = [];
      const template = defineServiceTemplate({
        name: 'slow',
        config: nothing,
        steps: [
          {
            key: 'port',
            run: ({ signal }) =>
              new Promise((_, reject) => {
                calls.push('port');
                signal.addEventListener('abort', () => reject(signal.reason as Error));
              }),
            compensate: ({ outcome }) => void calls.push(`release (${outcome})`),
          },
        ],
      });
      const run = await rig(backend, { templates: [template] });
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'slow' });
      await until(() => calls.includes('port'), run.clock, 0);
      await run.acme.provisioning.cancel(id);
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'cancelled', run.clock);
      expect(calls).toEqual(['port', 'release (unknown)']);
      await run.stop();
      await backend.close();
    });

    it('are asked first whether they happened, when nobody knows', async () => {
      const backend = await create();
      const calls: string[] = [];
      let happened = false;
      const template = defineServiceTemplate({
        name: 'asked',
        config: nothing,
        steps: [
          {
            key: 'port',
            timeoutMs: 1_000,
            run: () => {
              calls.push('port');
              happened = true;
              return new Promise(() => undefined);
            },
            reconcile: () => {
              calls.push('look');
              return happened ? { done: true, output: { port: 7 } } : { done: false };
            },
          },
        ],
      });
      const run = await rig(backend, { templates: [template] });
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'asked' });
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'completed', run.clock);
      expect(calls).toEqual(['port', 'look']);
      expect((await run.acme.services.read(id)).outputs).toEqual({ port: { port: 7 } });
      await run.stop();
      await backend.close();
    });
  });

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`steps of the store’s own database on ${title}`, () => {
    it('commit with the checkpoint that says so, or not at all', async () => {
      const backend = await create();
      const database = backend.database ?? expect.unreachable();
      await sql`create table host_ports (id varchar(64) primary key)`.execute(database.kysely);
      interface HostTables {
        host_ports: { id: string };
      }
      const ports = async () => database.withTables<HostTables>().selectFrom('host_ports').select('id').execute();
      let attempts = 0;
      let seen: number[] = [];
      const template = defineServiceTemplate({
        name: 'own',
        config: nothing,
        steps: [
          {
            key: 'row',
            retry: { attempts: 2 },
            runInTransaction: async ({ trx, requestId }) => {
              await executorFor<HostTables>(database, trx).insertInto('host_ports').values({ id: requestId }).execute();
              attempts += 1;
              if (attempts === 1) throw new Error('after the insert');
              return { row: requestId };
            },
            compensateInTransaction: async ({ trx, output }) => {
              await executorFor<HostTables>(database, trx)
                .deleteFrom('host_ports')
                .where('id', '=', (output as { row: string }).row)
                .execute();
            },
          },
          {
            key: 'vendor',
            run: async () => {
              seen.push((await ports()).length);
            },
          },
        ],
      });
      const run = await rig(backend, { templates: [template] });
      const customerId = await run.active();
      const { id } = await run.acme.services.request(customerId, { serviceName: 'own' });
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'completed', run.clock);
      expect(await ports()).toEqual([{ id }]);
      expect([attempts, seen]).toEqual([2, [1]]);
      seen = [];
      await run.acme.services.terminate(id);
      await until(async () => (await run.acme.services.get(id)).status === 'terminated', run.clock);
      expect(await ports()).toEqual([]);
      await run.stop();
      await backend.close();
    });
  });
