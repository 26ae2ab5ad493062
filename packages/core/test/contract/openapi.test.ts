import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineErrors } from '../../src/errors/define-errors.js';
import { instant, openRouteFor, routeFor } from '../../src/contract/index.js';
import { openApiDocument } from '../../src/contract/openapi.js';

const errors = defineErrors({ THING_NOT_FOUND: { kind: 'not_found', message: ({ id }: { id: string }) => id } });
const route = routeFor<unknown>();
const thing = z.object({ serviceType: z.string(), createdAt: instant }).meta({ id: 'Thing' });
const routes = [
  route({
    name: 'makeThing',
    method: 'POST',
    path: '/things/{id}',
    tag: 'Things',
    summary: 'Make a thing',
    permission: 'health:write',
    params: z.object({ id: z.string() }),
    query: z.object({ maxAge: z.coerce.number().optional() }),
    body: z.object({ serviceType: z.string(), dueAt: instant.optional() }),
    output: thing,
    status: 201,
    location: () => '/things/1',
    idempotent: true,
    errors: [errors.THING_NOT_FOUND],
    run: async () => ({ serviceType: 'tcp', createdAt: 0 }),
  }),
];

describe('the OpenAPI document', () => {
  const document = JSON.parse(JSON.stringify(openApiDocument(routes, { title: 'Test' })));
  const operation = document.paths['/things/{id}'].post;

  it('shows wire names and wire types of bodies, answers and parameters', () => {
    const body = operation.requestBody.content['application/json'].schema;
    expect(Object.keys(body.properties)).toEqual(['service_type', 'due_at']);
    expect(body.required).toEqual(['service_type']);
    expect(body.properties.due_at).toMatchObject({ type: 'string', format: 'date-time' });
    expect(document.components.schemas.Thing.properties.created_at).toMatchObject({
      type: 'string',
      format: 'date-time',
    });
    expect(operation.parameters.map(({ in: place, name }: { in: string; name: string }) => `${place} ${name}`)).toEqual(
      ['path id', 'query max_age', 'header Idempotency-Key'],
    );
  });

  it('says of what is sent, as of what is answered, that it has no other fields', () => {
    const kept = z.object({
      inner: z.object({ a: z.int() }),
      free: z.record(z.string(), z.unknown()),
      loose: z.looseObject({}),
    });
    const module = routes.map((it) => ({ ...it, body: kept, output: kept }));
    const { paths } = JSON.parse(JSON.stringify(openApiDocument(module as never)));
    const { requestBody, responses } = paths['/things/{id}'].post;
    const sent = requestBody.content['application/json'].schema;
    expect([sent, sent.properties.inner].map((it) => it.additionalProperties)).toEqual([false, false]);
    expect([sent.properties.free, sent.properties.loose].map((it) => it.additionalProperties)).toEqual([{}, {}]);
    const answered = responses['201'].content['application/json'].schema;
    expect([answered, answered.properties.inner].map((it) => it.additionalProperties)).toEqual([false, false]);
  });

  it('says of what type parameters and headers are, also in paths and of headers with capital letters', () => {
    const types = operation.parameters.map(({ schema }: { schema: { type?: string } }) => schema.type);
    expect(types).toEqual(['string', 'number', 'string']);
    expect(operation.responses['201'].headers.Location.schema).toMatchObject({ type: 'string' });
  });

  it('lists the problems a route may answer, by status', () => {
    expect(Object.keys(operation.responses)).toEqual([
      '201',
      '400',
      '401',
      '403',
      '404',
      '409',
      '413',
      '415',
      '422',
      '429',
      '500',
      '503',
    ]);
    expect(operation.responses['404'].description).toBe('`THING_NOT_FOUND`');
    expect(operation.responses['422'].description).toBe('`INVALID_INPUT`, `IDEMPOTENCY_KEY_REUSED`');
    expect(operation.responses['503'].description).toBe('`STORE_UNAVAILABLE`, `ISSUER_UNAVAILABLE`');
  });

  it('says of a route that takes a key and nothing else that the key may be refused', () => {
    const { params: _, query: __, body: ___, ...bare } = routes[0]!;
    const paths = (idempotent: boolean) =>
      JSON.parse(JSON.stringify(openApiDocument([{ ...bare, path: '/things', idempotent }]))).paths['/things'].post;
    expect(paths(true).responses['422'].description).toBe('`INVALID_INPUT`, `IDEMPOTENCY_KEY_REUSED`');
    expect(paths(false).responses).not.toHaveProperty('422');
  });

  it('says of an open route that the database may not answer, and nothing of who asks', () => {
    const open = openRouteFor<unknown, unknown>()({
      ...{ name: 'readThing', method: 'GET', path: '/open', tag: 'Things', summary: 'A thing' },
      ...{ output: thing, run: () => ({ serviceType: 'tcp', createdAt: 0 }) },
    });
    const { responses } = JSON.parse(JSON.stringify(openApiDocument([open]))).paths['/open'].get;
    expect(Object.keys(responses)).toEqual(['200', '429', '500', '503']);
    expect(responses['503'].description).toBe('`STORE_UNAVAILABLE`');
  });

  it('leaves Idempotency-Key out where no store keeps the answers', () => {
    const without = JSON.stringify(openApiDocument(routes, {}, false));
    expect(without).not.toContain('Idempotency-Key');
  });

  it('has Idempotency-Key wherever commands keep their own answers', () => {
    const own = routes.map((each) => ({ ...each, idempotent: 'by its command' as const }));
    const text = JSON.stringify(openApiDocument(own, {}, false));
    expect(text).toContain('Idempotency-Key');
    expect(text).toContain('`IDEMPOTENCY_ANSWER_LOST`');
    expect(text).not.toContain('IDEMPOTENCY_IN_FLIGHT');
  });
});
