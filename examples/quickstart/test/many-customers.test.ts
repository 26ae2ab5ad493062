import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../test/support/bundle-worker.js';
import { isLong } from '../../../test/support/length.js';
import { available, freshPostgres } from '../../../test/support/services.js';
import { createClient, eventually, type Client } from './contract/client.js';

const people = isLong ? 100_000 : 4_000;
const operations = '/customer-lifecycle/bulk-operations';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('./many/server.ts', import.meta.url));
});
afterAll(() => worker.remove());

let running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
});

/** A server in a process of its own. */
async function serve(url: string, ...args: string[]): Promise<{ client: Client; child: ChildProcess }> {
  const child = spawn(process.execPath, [worker.path, url, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { client: createClient(line, null), child };
}

interface LineAnswer {
  status: string;
  id: string | null;
  code: string | null;
}

/** Sends lines as they are taken, and reads the answers as they come; ends with the connection, however that ends. */
async function stream(
  { url }: Client,
  path: string,
  lines: AsyncIterable<object> | Iterable<object>,
  onAnswer: (count: number) => void = () => undefined,
): Promise<LineAnswer[]> {
  const answers: LineAnswer[] = [];
  const asked = request(url + path, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } });
  const isOver = new Promise<void>((resolve) => {
    for (const end of ['close', 'error']) asked.on(end, () => resolve());
    asked.on('response', (response) => {
      const reader = createInterface(response);
      reader.on('line', (line) => {
        answers.push(JSON.parse(line) as LineAnswer);
        onAnswer(answers.length);
      });
      for (const end of ['close', 'error']) reader.on(end, () => resolve());
      for (const end of ['close', 'error']) response.on(end, () => resolve());
    });
  });
  for await (const line of lines) {
    if (asked.destroyed) break;
    if (!asked.write(`${JSON.stringify(line)}\n`)) await Promise.race([once(asked, 'drain').catch(() => 0), isOver]);
  }
  asked.end();
  await isOver;
  return answers;
}

/** Somebody by a number; every thousandth has an address that is none, and is refused. */
const isWrong = (number: number): boolean => number % 1_000 === 999;
const person = (number: number) => ({
  username: `user${number}`,
  email: isWrong(number) ? 'nowhere' : `user${number}@example.com`,
  first_name: 'A',
  last_name: 'B',
  user_type: 'residential',
});
const numbers = Array.from({ length: people }, (_, number) => number);
const wrongAmong = (some: readonly number[]): number => some.filter(isWrong).length;

async function pagesOf(client: Client, path: string): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await client.get(`${path}limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
    items.push(...(body.items as Record<string, unknown>[]));
    cursor = body.next_cursor as string | null;
  }
  return items;
}

const ended = (client: Client, id: string) =>
  eventually(
    () => client.get(`${operations}/${id}`),
    ({ body }) => body.status === 'completed',
    1_800_000,
  );

describe.skipIf(!available.postgres)(`${people} customers by the line, through a server on PostgreSQL`, () => {
  it('are registered and given a command: tried first, gone on with after a kill, every refusal listed', async () => {
    const { url, drop } = await freshPostgres();
    let { client, child } = await serve(url);
    const count = (answers: LineAnswer[], status: string) => answers.filter((it) => it.status === status).length;

    // Tried: everybody is judged, nobody is kept.
    const tried = await stream(client, '/customer-lifecycle/import?dry_run=true', numbers.map(person));
    expect([count(tried, 'valid'), count(tried, 'refused')]).toEqual([
      people - wrongAmong(numbers),
      wrongAmong(numbers),
    ]);
    expect((await client.get('/customer-lifecycle/customers?limit=1')).body.items).toEqual([]);

    // Killed on the way, while there is more to come; whoever was answered is there, and the rest goes on from there.
    const gone = once(child, 'exit');
    async function* someAndThenNone() {
      yield* numbers.slice(0, people * 0.6).map(person);
      await gone;
    }
    const first = await stream(client, '/customer-lifecycle/import', someAndThenNone(), (seen) => {
      if (seen === people * 0.4) child.kill('SIGKILL');
    });
    expect(await gone).toEqual([null, 'SIGKILL']);
    expect(first.length).toBeGreaterThanOrEqual(people * 0.4);
    ({ client, child } = await serve(url));
    const rest = await stream(client, '/customer-lifecycle/import', numbers.slice(first.length).map(person));
    expect(rest).toHaveLength(people - first.length);
    const unheard = rest.filter(({ code }) => code === 'CUSTOMER_EXISTS').length;
    expect(count(rest, 'created')).toBe(rest.length - unheard - wrongAmong(numbers.slice(first.length)));
    const all = (await pagesOf(client, '/customer-lifecycle/customers?')).map(({ id }) => String(id));
    const isThere = new Set(all);
    expect(isThere.size).toBe(people - wrongAmong(numbers));
    const heard = [...first, ...rest].flatMap(({ status, id }) => (status === 'created' ? [String(id)] : []));
    expect(new Set(heard).size).toBe(heard.length);
    expect(all.length - heard.length).toBe(unheard);
    expect(heard.filter((id) => !isThere.has(id))).toEqual([]);

    // A command for them, listed by the line, and tried first: some were deleted by themselves, and are refused.
    const alone = all.filter((_, index) => index % 500 === 7).sort();
    for (const id of alone) await client.post(`/customer-lifecycle/customers/${id}/delete`, {});
    const { body: asked } = await client.post(operations, { command: 'delete', filter: { listed: true } });
    const path = `${operations}/customers?operation_id=${String(asked.id)}`;
    const listed = await stream(
      client,
      path,
      all.map((id) => ({ customer_id: id })),
    );
    expect(count(listed, 'created')).toBe(all.length);
    await client.post(`${operations}/${String(asked.id)}/run`);
    const { body: dry } = await ended(client, asked.id as string);
    const figures = { total: all.length, processed: all.length, refused: alone.length };
    expect(dry).toMatchObject({ ...figures, dry_run: true, changed: all.length - alone.length });
    const stage = async () => (await client.get(`/customer-lifecycle/customers/${all[0] ?? ''}`)).body.lifecycle_stage;
    expect(await stage()).toBe('registration');

    // Begun by a process that dies of the first batch; how far it came is to be seen elsewhere, and another ends it.
    const mortal = await serve(url, 'dies');
    const died = once(mortal.child, 'exit');
    // Whether it still answers does not matter.
    await mortal.client.post(`${operations}/${String(asked.id)}/run`).catch(() => undefined);
    expect(await died).toEqual([null, 'SIGKILL']);
    const [real] = (await client.get(`${operations}?limit=1`)).body.items as [{ id: string }];
    const progress = (await client.get(`${operations}/${real.id}`)).body;
    expect(progress).toMatchObject({ status: 'running', total: all.length });
    expect(progress.processed).toBeGreaterThan(0);
    expect(progress.processed).toBeLessThan(all.length);
    // Its clock says that nobody has gone on with it for a minute.
    await serve(url, 'lives', '60000');
    const seen: number[] = [];
    const { body: done } = await eventually(
      () => client.get(`${operations}/${real.id}`),
      ({ body }) => {
        seen.push(body.processed as number);
        return body.status === 'completed';
      },
      1_800_000,
    );
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(done).toMatchObject({ ...figures, dry_run: false, changed: all.length - alone.length });
    expect(await stage()).toBe('deleted');
    const failures = await pagesOf(client, `${operations}/${real.id}/failures?`);
    expect(failures.map(({ id, code }) => [id, code])).toEqual(alone.map((id) => [id, 'ILLEGAL_TRANSITION']));
    for (const server of running) server.kill('SIGKILL');
    await drop();
  }, 7_200_000);
});
