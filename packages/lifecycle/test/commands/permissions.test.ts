import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Permission, Route } from '@dotmac/core/contract';
import { createApi } from '@dotmac/core/http';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone } from '../support/lifecycle.js';
import { over } from '../support/over-http.js';

const [inMemory] = backends;
const fieldsOf = (body: z.ZodType | undefined): string[] =>
  body instanceof z.ZodObject ? Object.keys(body.shape) : [];
/** Can this command on a customer be named in a body? */
const takes = (body: z.ZodType | undefined, command: string): boolean =>
  body instanceof z.ZodObject &&
  body.shape['command'] instanceof z.ZodType &&
  body.shape['command'].safeParse(command).success;

it('a command needs its own permission, whatever route it is named on', async () => {
  const backend = await (inMemory?.create() as Promise<Backend>);
  const { module, acme, clock, stop } = await rig(backend);
  const { id } = await acme.customers.register(someone());
  await acme.customers.delete(id);
  const routes = module.routes.filter(({ body }) => takes(body, 'deactivate'));
  expect(routes.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['startBulkOperation', 'dryRunCustomerCommand', 'setCustomerTimer']),
  );
  const ask = async ({ path, body }: Pick<Route<never>, 'path' | 'body'>, command: string, also: Permission[] = []) => {
    const permissions: Permission[] = ['lifecycle:write', ...also];
    const api = createApi(module, { authenticate: () => ({ tenantId: 'acme', actorId: 'user:2', permissions }) });
    const later = new Date(clock.now() + 60_000).toISOString();
    const given = { command, input: {}, filter: {}, name: 'later', due_at: later };
    const fields = fieldsOf(body).map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    const sent = Object.fromEntries(Object.entries(given).filter(([key]) => fields.includes(key)));
    const response = await api.routes
      .find((route) => route.path === path && route.method === 'POST')
      ?.handle({
        method: 'POST',
        path,
        mountedAt: '',
        params: { id },
        query: {},
        headers: { 'content-type': 'application/json' },
        remoteAddress: '127.0.0.1',
        body: { parsed: sent },
        signal: new AbortController().signal,
      });
    const { code, errors } = JSON.parse(response?.body as string) as { code?: string; errors?: { path: string }[] };
    return { status: response?.status ?? 0, code, paths: errors?.map(({ path: at }) => at) };
  };
  for (const route of routes) {
    expect((await ask(route, 'deactivate')).status, route.path).toBeLessThan(300);
    const refused = await ask(route, 'erase');
    // Either it is no command of this route's, or it is one that asks for more.
    if (refused.status === 422) expect(refused.paths, route.path).toEqual(['command']);
    else {
      expect(refused, route.path).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' });
      expect((await ask(route, 'erase', ['lifecycle:privacy'])).status, route.path).toBeLessThan(300);
    }
  }
  await stop();
});

it('a timer needs what its command does of who moves it or takes it away', async () => {
  const backend = await (inMemory?.create() as Promise<Backend>);
  const { module, acme, clock, stop } = await rig(backend);
  const { id } = await acme.customers.register(someone());
  const dueAt = clock.now() + 60_000;
  await acme.timers.set(id, { name: 'forget', command: 'erase', dueAt });
  await acme.timers.set(id, { name: 'leave', command: 'deactivate', dueAt });
  const writes: Permission[] = ['lifecycle:write'];
  const headers = { 'content-type': 'application/json' };
  const move = async (name: string, permissions: Permission[]) => {
    const body = { parsed: { name, command: 'deactivate', due_at: new Date(dueAt).toISOString() } };
    const asked = { params: { id }, headers, body };
    return (await over(module, 'POST', 'customers/{id}/timers', asked, permissions)).status;
  };
  const clear = async (name: string, permissions: Permission[]) => {
    const asked = { params: { id, name } };
    return (await over(module, 'DELETE', 'customers/{id}/timers/{name}', asked, permissions)).status;
  };
  for (const ask of [move, clear]) {
    expect(await ask('leave', writes)).toBe(200);
    expect(await ask('forget', writes)).toBe(403);
  }
  expect((await acme.timers.list(id)).map(({ name, command }) => [name, command])).toEqual([['forget', 'erase']]);
  expect(await clear('forget', [...writes, 'lifecycle:privacy'])).toBe(200);
  await stop();
});
