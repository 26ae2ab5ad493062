import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldsBy, freeForm, instant, page, wireName, wireOf } from '../../src/contract/index.js';

const endpoint = z.object({
  name: z.string().min(1),
  checkInterval: z.number().min(5).default(30),
  p95ResponseTime: z.number().nullable(),
  createdAt: instant,
  customConfig: freeForm.optional(),
  lastIssues: z.array(z.object({ happenedAt: instant, statusCode: z.int() })).default([]),
});
const wire = wireOf(endpoint);

const issuesOf = (result: ReturnType<typeof wire.parse>) => (result.ok ? [] : result.issues);

describe('the wire form of a schema', () => {
  it('spells names in snake_case, digits included', () => {
    expect(['serviceType', 'p50ResponseTime', 'id', 'spaceFreedMb'].map(wireName)).toEqual([
      'service_type',
      'p50_response_time',
      'id',
      'space_freed_mb',
    ]);
  });

  it('says of a key what its schema says, not that it is invalid', () => {
    const headers = z.record(
      z.string().refine((name) => name !== 'host', 'Not yours to set'),
      z.string(),
    );
    expect(wireOf(z.object({ headers })).parse({ headers: { host: 'x' } })).toEqual({
      ok: false,
      issues: [{ path: 'headers.host', message: 'Not yours to set' }],
    });
  });

  it('renders instants as ISO 8601 in UTC, and leaves the keys of free-form records alone', () => {
    const value = endpoint.decode({
      name: 'gw',
      p95ResponseTime: null,
      createdAt: '2026-03-01T00:00:00+01:00',
      customConfig: { vlanId: 7, nested: { someKey: true } },
    });
    expect(wire.render(value)).toEqual({
      name: 'gw',
      check_interval: 30,
      p95_response_time: null,
      created_at: '2026-02-28T23:00:00.000Z',
      custom_config: { vlanId: 7, nested: { someKey: true } },
      last_issues: [],
    });
  });

  it('never renders a field that the schema does not name', () => {
    const leaky = {
      name: 'gw',
      checkInterval: 5,
      p95ResponseTime: 1,
      createdAt: 0,
      lastIssues: [],
      password: 's3cret',
    };
    expect(JSON.stringify(wire.render(leaky))).not.toContain('s3cret');
  });

  it('names every fault at once, in wire names', () => {
    const faults = issuesOf(
      wire.parse({ name: '', check_interval: 1, created_at: 'yesterday', last_issues: [{ status_code: 'x' }], nme: 1 }),
    );
    expect(faults.map(({ path }) => path).sort()).toEqual([
      'check_interval',
      'created_at',
      'last_issues.0.happened_at',
      'last_issues.0.status_code',
      'name',
      'nme',
      'p95_response_time',
    ]);
  });

  it('refuses the TypeScript spelling as an unknown field', () => {
    const faults = issuesOf(
      wire.parse({ name: 'gw', checkInterval: 9, p95_response_time: 1, created_at: '2026-01-01T00:00:00Z' }),
    );
    expect(faults).toEqual([{ path: 'checkInterval', message: 'There is no such field: it is spelt check_interval' }]);
  });

  it('names the fields that there are, once, where one is unknown', () => {
    const small = wireOf(
      z.object({ serviceName: z.string(), customConfig: z.record(z.string(), z.unknown()).optional() }),
    );
    expect(small.parse({ service_name: 'x', config: {}, settings: {} })).toEqual({
      ok: false,
      issues: [
        { path: 'config', message: 'There is no such field; there are: service_name, custom_config' },
        { path: 'settings', message: 'There is no such field' },
      ],
    });
  });

  it('names the fields of what a field beside says, where an object takes those of several', () => {
    const inputs = {
      stop: z.object({ atOnce: z.boolean() }),
      move: z.object({ newPlace: z.string(), reason: z.string() }),
    };
    const any = z.object({ atOnce: z.boolean(), newPlace: z.string(), reason: z.string() }).partial();
    const command = z.enum(['stop', 'move', 'rest']);
    const wire = wireOf(z.object({ command, input: fieldsBy(any.default({}), 'command', inputs) }));
    const said = (name: string) => {
      const parsed = wire.parse({ command: name, input: { colour: 'red' } });
      return parsed.ok ? undefined : parsed.issues[0]?.message;
    };
    expect(['stop', 'move', 'rest'].map(said)).toEqual([
      'There is no such field; there are: at_once',
      'There is no such field; there are: new_place, reason',
      'There is no such field; there are: at_once, new_place, reason',
    ]);
  });

  it('names a hundred faults at the most, and long names by their beginning', () => {
    const many = wireOf(z.array(z.object({ name: z.string() })));
    const faults = many.parse(Array.from({ length: 1_000 }, () => ({})));
    expect(faults.ok ? 0 : faults.issues.length).toBe(100);
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, 1]));
    const refused = wireOf(z.object({})).parse(unknown);
    expect(refused.ok ? 0 : refused.issues.length).toBe(100);
    expect(wireOf(z.object({})).parse({ [`a${'b'.repeat(5_000)}`]: 1 })).toEqual({
      ok: false,
      issues: [{ path: `a${'b'.repeat(199)}`, message: 'There is no such field' }],
    });
  });

  it('leaves out what is undefined, and writes what JSON has no word for as null', () => {
    const { write } = wireOf(z.object({ labels: z.record(z.string(), z.any()), rate: z.any() }));
    expect(write({ labels: { a: undefined, b: null, c: 1 }, rate: Number.NaN })).toBe(
      '{"labels":{"b":null,"c":1},"rate":null}',
    );
    expect(wireOf(z.array(z.any())).write([undefined, Infinity])).toBe('[null,null]');
  });

  it('writes text as JSON does, whatever is in it', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', 'a\udc00b', '\u0000', '"', '\\'));
    fc.assert(
      fc.property(text, (it) => {
        expect(wireOf(z.string()).write(it)).toBe(JSON.stringify(it));
      }),
    );
  });

  it('lets names that a loose object does not know through as they are, and its own in their one spelling', () => {
    const loose = wireOf(z.looseObject({ statusCode: z.int() }));
    const value = { statusCode: 200, someKey: 1, gone: undefined };
    expect(loose.write(value)).toBe('{"status_code":200,"someKey":1}');
    expect(loose.parse({ status_code: 200, someKey: 1 })).toEqual({ ok: true, value: { statusCode: 200, someKey: 1 } });
    expect(loose.parse({ status_code: 200, statusCode: 500 })).toMatchObject({ ok: false });
  });

  it('finds the member of a union that fits, both ways', () => {
    const shape = wireOf(
      z.object({ target: z.union([z.object({ hostName: z.string() }), z.object({ portNumber: z.int() })]) }),
    );
    expect(shape.parse({ target: { port_number: 1 } })).toEqual({ ok: true, value: { target: { portNumber: 1 } } });
    expect(shape.render({ target: { portNumber: 1 } })).toEqual({ target: { port_number: 1 } });
  });

  it('gives back what was rendered, whatever the value', () => {
    const listed = page(endpoint);
    const milliseconds = fc.integer({ min: 0, max: 4_102_444_800_000 });
    const value = fc.record({
      name: fc.string({ minLength: 1 }),
      checkInterval: fc.integer({ min: 5, max: 3_600 }),
      p95ResponseTime: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((it) => it || 0)),
      createdAt: milliseconds,
      customConfig: fc.dictionary(
        fc.string().filter((it) => it !== '__proto__'),
        fc.jsonValue(),
      ),
      lastIssues: fc.array(fc.record({ happenedAt: milliseconds, statusCode: fc.integer() }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(
        fc.record({ items: fc.array(value, { maxLength: 3 }), nextCursor: fc.option(fc.string()) }),
        (given) => {
          const sent: unknown = JSON.parse(JSON.stringify(wireOf(listed).render(given)));
          const expected: unknown = JSON.parse(JSON.stringify(given));
          const read = wireOf(listed).parse(sent);
          expect(read.ok && JSON.parse(JSON.stringify(read.value))).toEqual(expected);
        },
      ),
    );
  });
});
