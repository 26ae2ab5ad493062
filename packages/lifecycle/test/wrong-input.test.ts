import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, type Backend } from './support/backends.js';
import { over } from './support/over-http.js';
import { rig, type Rig } from './support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what no database can look for, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeAll(async () => {
      backend = await create();
      run = await rig(backend, { webhooks: { egress: { allow: ['loopback'] } } });
    });
    afterAll(async () => {
      await run.stop();
      await backend.close();
    });

    it.each([
      ['customers', { user_type: 'ß' }],
      ['services', { cursor: 'ß' }],
      ['provisioning', { cursor: '💥' }],
      ['bulk-operations', { cursor: '١' }],
      ['parked-deliveries', { cursor: '1e+308' }],
    ])('is refused in a query of %s', async (name, query) => {
      expect(await over(run.module, 'GET', name, { query })).toMatchObject({ status: 422 });
    });

    it('is refused in a filter of an operation on many, and in a name', async () => {
      const refused = { code: 'INVALID_INPUT' };
      await expect(run.acme.bulk.start({ command: 'delete', filter: { userTypes: ['ß'] } })).rejects.toMatchObject(
        refused,
      );
      const half = { username: 'a', email: 'a@example.com', firstName: 'A\ud800', lastName: 'B', userType: 'x' };
      await expect(run.acme.customers.register(half)).rejects.toMatchObject(refused);
    });

    it('is refused in the line of a list that it is in', async () => {
      const { id } = await run.acme.bulk.start({ command: 'delete', filter: { listed: true } });
      const ids = ['01a22701-20f0-72fa-b5f5-74605a09d508', '01a22701-20f0-72fa-b5f5-74605a09d508 ', 'ß', ''];
      const lines = ids.map((it) => JSON.stringify({ customer_id: it })).join('\n');
      const { status, body } = await over(run.module, 'POST', 'bulk-operations/customers', {
        query: { operation_id: id },
        headers: { 'content-type': 'application/x-ndjson' },
        body: { stream: Readable.from([Buffer.from(lines)]) },
      });
      expect(status).toBe(200);
      let text = '';
      for await (const part of body as AsyncIterable<string>) text += part;
      const answers = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { line: number; status: string });
      expect(answers.map(({ line, status: became }) => [line, became])).toEqual([
        [1, 'created'],
        [2, 'refused'],
        [3, 'refused'],
        [4, 'refused'],
      ]);
    });

    it('is no place to begin a replay at: that would send everything again', async () => {
      const { id } = await run.acme.webhooks.create({ name: 'CRM', url: 'http://127.0.0.1:1/' });
      await expect(
        run.acme.webhooks.replayRange(id, { from: 0, to: run.clock.now(), cursor: 'lost' }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    });
  });
