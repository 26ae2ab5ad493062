import { z } from 'zod';
import {
  createMaintenance,
  defineMaintenanceTask,
  memoryMaintenanceStore,
  planned,
  type MaintenanceModule,
} from '@dotmac/maintenance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assertInstants,
  assertStatus,
  createClient,
  eventsUntil,
  eventually,
  type Answer,
  type Client,
} from './contract/client.js';
import { frameworks, type Served } from './frameworks.js';

const at = '/infrastructure-maintenance';

/** Takes items off a heap in batches, each once it is let go. */
function heapTask() {
  let [free, wake] = [0, (): void => undefined];
  const turn = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => wake(), { once: true });
    while (free === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
    free = Math.max(0, free - 1);
  };
  const letGo = (batches: number): void => {
    free += batches;
    wake();
  };
  const task = defineMaintenanceTask({
    ...{ type: 'take', name: 'Take', description: 'Takes items off a heap' },
    parameters: z.object({ items: z.number().int(), batch: z.number().int() }),
    details: z.object({ tookFrom: z.number() }),
    plan: (_, { items }) =>
      Promise.resolve({
        targets: [planned({ target: 'heap', action: 'take', items, total: items, strategy: 'in order' }, {})],
        warnings: [],
      }),
    async run({ target, signal }, { items, batch }) {
      const progress = await target({ target: 'heap', planned: items, total: items });
      const tookFrom = Number(progress.cursor ?? 0);
      for (let place = tookFrom; place < items; place += batch) {
        await turn(signal);
        if (signal.aborted) return { details: { tookFrom } };
        if (!(await progress.advance({ cleaned: batch, cursor: place + batch }))) return { details: { tookFrom } };
      }
      progress.done();
      return { details: { tookFrom } };
    },
  });
  return { task, letGo };
}

describe.each(Object.keys(frameworks))('what people do about runs of maintenance over HTTP, on %s', (name) => {
  const heap = heapTask();
  let maintenance: MaintenanceModule;
  let served: Served;
  let client: Client;
  beforeAll(async () => {
    maintenance = createMaintenance({ store: memoryMaintenanceStore(), tasks: [heap.task], throttle: [] });
    await maintenance.start();
    served = await (frameworks[name] ?? expect.unreachable())(maintenance);
    client = createClient(served.url, null);
  });
  afterAll(async () => {
    await maintenance.stop();
    await served.close();
  });

  const begin = async (parameters: { items: number; batch: number }): Promise<string> => {
    const asked = { maintenance_type: 'take', parameters };
    const begun = assertStatus(await client.post(`${at}/execute`, asked, { prefer: 'respond-async' }), 202);
    expect(begun.body).toMatchObject({ task_name: 'take', status: 'running', end_time: null });
    expect(begun.headers.get('location')).toBe(`${at}/runs/${begun.body.task_id}`);
    return begun.body.task_id;
  };
  const whenIt = async (id: string, accept: (body: Answer['body']) => boolean) =>
    (
      await eventually(
        () => client.get(`${at}/runs/${id}`),
        (run) => accept(run.body),
      )
    ).body;
  const ended = (id: string) => whenIt(id, ({ status }) => status !== 'running');
  const taken = (id: string, items: number) => whenIt(id, ({ progress }) => progress?.cleaned === items);
  /** Asks for a run that goes on from another, as which it is answered. */
  const goOn = async (id: string, word: 'resume' | 'confirm'): Promise<string> => {
    const answer = assertStatus(await client.post(`${at}/runs/${id}/${word}`), 202);
    expect(answer.body).toMatchObject({ task_name: 'take', status: 'running', stop_reason: null, end_time: null });
    assertInstants(answer.body, 'start_time');
    expect(answer.body.task_id).not.toBe(id);
    expect(answer.headers.get('location')).toBe(`${at}/runs/${answer.body.task_id}`);
    return answer.body.task_id;
  };

  it('cancels one that is under way, and goes on where it ended', async () => {
    const id = await begin({ items: 4, batch: 1 });
    heap.letGo(1);
    await taken(id, 1);
    const cancelled = assertStatus(await client.post(`${at}/runs/${id}/cancel`), 200);
    expect(cancelled.body).toMatchObject({ task_id: id, task_name: 'take' });
    expect(await ended(id)).toMatchObject({
      ...{ status: 'cancelled', stop_reason: 'cancelled', items_cleaned: 1, resumable: true, resumed_by: null },
    });

    const next = await goOn(id, 'resume');
    heap.letGo(3);
    expect(await ended(next)).toMatchObject({
      ...{ status: 'completed', stop_reason: 'drained', items_cleaned: 3, resumes: id, details: { took_from: 1 } },
    });
    expect(await ended(id)).toMatchObject({ resumable: false, resumed_by: next });
  });

  it('confirms one that takes more than may go unasked', async () => {
    const id = await begin({ items: 2_000, batch: 2_000 });
    const asking = await ended(id);
    expect(asking).toMatchObject({
      ...{ status: 'needs_confirmation', stop_reason: 'unconfirmed', items_cleaned: 0 },
      details: { asked: [{ target: 'heap', planned: 2_000, total: 2_000 }] },
    });
    const confirmed = await goOn(id, 'confirm');
    heap.letGo(1);
    expect(await ended(confirmed)).toMatchObject({ status: 'completed', items_cleaned: 2_000, resumes: id });
  });

  it('tells of its progress until its end, and to those who come again only what is new to them', async () => {
    const id = await begin({ items: 3, batch: 1 });
    heap.letGo(1);
    await taken(id, 1);
    const follow = async (lastEventId?: string) => {
      const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const stream = await client.stream('GET', `${at}/runs/${id}/events`, { headers });
      expect([stream.status, stream.headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('event-stream'),
      ]);
      return stream;
    };
    const whole = eventsUntil(await follow(), 'ended');
    const [first] = await eventsUntil(await follow(), 'progress');
    const said = JSON.parse(first?.data ?? '').data;
    expect(said).toMatchObject({ task_id: id, status: 'running', end_time: null, details: {} });
    expect(said.progress).toMatchObject({ state: 'working', target: 'heap', planned: 3, seen: 1, cleaned: 1 });
    assertInstants(said.progress, 'updated_at');

    const later = eventsUntil(await follow(first?.id), 'ended');
    heap.letGo(1);
    await taken(id, 2);
    const second = (await eventsUntil(await follow(first?.id), 'progress'))[0];
    expect(second?.id).not.toBe(first?.id);
    heap.letGo(1);
    await ended(id);
    const cleaned = (events: { event: string; data: string }[]) =>
      events.map(({ event, data }) => [event, JSON.parse(data).data.progress.cleaned]);
    expect(cleaned(await whole).at(0)).toEqual(['progress', 1]);
    for (const told of [await whole, await later]) {
      expect(told.at(-1)?.event).toBe('ended');
      expect(JSON.parse(told.at(-1)?.data ?? '').data).toMatchObject({
        task_id: id,
        status: 'completed',
        items_cleaned: 3,
      });
    }
    expect(cleaned(await later)).not.toContainEqual(['progress', 1]);
    // The end is told to whoever asks: nothing follows it that would be waited for.
    const last = (await later).at(-1)?.id ?? '';
    expect(cleaned(await eventsUntil(await follow(last), 'ended'))).toEqual([['ended', 3]]);
  });
});
