import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inWords } from '../../src/contract/in-words.js';
import { wireOf } from '../../src/contract/wire.js';

const said = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value, inWords).error?.issues ?? []).map(({ message }) => message);

const kind = z.enum(['tcp', 'http']);

/** What is said of each kind of schema when it is given something that it does not take. */
const table: [sentence: string, schema: z.ZodType, value: unknown][] = [
  ['Must be a string, not a number', z.string(), 5],
  ['This is required: a string', z.string(), undefined],
  ['Must be a number, not a string', z.number(), '5'],
  ['This is no number', z.coerce.number(), 'ten'],
  ['Must be a finite number', z.coerce.number(), '1e999'],
  ['Must be a finite number', z.coerce.number().int().min(1), '-1e999'],
  ['Must be a finite number', z.int(), Infinity],
  ['This is no number', z.int(), NaN],
  ['Must be a string, not a number', z.string(), Infinity],
  ['Must be a string, not no number', z.string(), NaN],
  ['This is required: a whole number', z.int(), undefined],
  ['Must be a whole number', z.int(), 1.5],
  ['Must be a whole number, not a string', z.int(), 'one'],
  ['Must be true or false, not a string', z.boolean(), 'yes'],
  ['Must be an array, not an object', z.array(z.string()), { a: 1 }],
  ['Must be an object, not an array', z.object({}), []],
  ['Must be an object, not null', z.record(z.string(), z.string()), null],
  ['Must be null, not a number', z.null(), 1],
  ['Must be one of tcp, http', kind, 'icmp'],
  ['This is required: one of tcp, http', kind, undefined],
  ['Must be "all"', z.literal('all'), 'some'],
  ['Must be one of 1, 2', z.literal([1, 2]), 3],
  ['Must be one of true, 1, yes, on, y, enabled, false, 0, no, off, n, disabled', z.stringbool(), 'perhaps'],
  ['Must not be empty', z.string().min(1), ''],
  ['Must have at least 8 characters', z.string().min(8), 'short'],
  ['Must have at most 3 characters', z.string().max(3), 'long'],
  ['Must have exactly 2 characters', z.string().length(2), 'a'],
  ['Must have at least 2 items', z.array(z.int()).min(2), [1]],
  ['Must have at most 1 item', z.array(z.int()).max(1), [1, 2]],
  ['Must be at least 3', z.number().min(3), 2],
  ['Must be at most 3', z.number().max(3), 4],
  ['Must be more than 0', z.number().positive(), 0],
  ['Must be less than 10', z.number().lt(10), 10],
  ['Must be at least 1970-01-01T00:00:00.000Z', z.date().min(new Date(0)), new Date(-1)],
  ['Must be a multiple of 5', z.number().multipleOf(5), 7],
  ['Must match /^[a-z]+$/', z.string().regex(/^[a-z]+$/), 'A'],
  ['Must start with "sha256:"', z.string().startsWith('sha256:'), 'md5:'],
  ['Must end with ".log"', z.string().endsWith('.log'), 'a.txt'],
  ['Must contain "@"', z.string().includes('@'), 'neo'],
  ['Must be in lower case', z.string().lowercase(), 'A'],
  ['Must be a UUID', z.uuid(), 'x'],
  ['Must be an email address', z.email(), 'neo'],
  ['Must be a URL', z.url(), 'x'],
  ['Must be an instant as ISO 8601 has it, like 2026-01-31T12:00:00Z', z.iso.datetime(), 'noon'],
  ['Must be an IPv4 address', z.ipv4(), 'x'],
  ['Must be in the format ulid', z.ulid(), 'x'],
  ['There is no such field: b, c', z.strictObject({ a: z.int().optional() }), { b: 1, c: 2 }],
  ['Must have at most 2 characters', z.record(z.string().max(2), z.int()), { long: 1 }],
  ['Must be a whole number, not true; or: Must be "all"', z.union([z.int(), z.literal('all')]), true],
  ['Is in no form that is taken here', z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]), { a: '1' }],
  [
    'Must be one of a, b',
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]),
    { kind: 'c' },
  ],
  ['This is not taken here', z.string().refine(() => false), 'x'],
];

describe('what is wrong with an input', () => {
  it.each(table)('is said in a sentence that names what would be right: %s', (sentence, schema, value) => {
    expect(said(schema, value)).toEqual([sentence]);
  });

  it('is what the schema says, where it says something', () => {
    expect(said(z.object({ port: z.number({ error: 'Give a port' }) }), {})).toEqual(['Give a port']);
    expect(said(z.string().regex(/^a$/, 'Just an a'), 'b')).toEqual(['Just an a']);
    expect(
      said(
        z.string().refine(() => false, 'Nothing will do'),
        'b',
      ),
    ).toEqual(['Nothing will do']);
  });

  it.each([
    ...[{ code: 'of_ours' }, { code: 'toString' }, { code: 'invalid_type' }, { code: 'invalid_value' }],
    ...[{ code: 'too_small', origin: 'date' }, { code: 'too_big', origin: 'date' }, { code: 'invalid_format' }],
    ...[
      { code: 'not_multiple_of' },
      { code: 'unrecognized_keys' },
      { code: 'invalid_key' },
      { code: 'invalid_element' },
    ],
  ])('is said plainly where a schema says no more than $code', (issue) => {
    const own = z.string().superRefine((_, context) => context.addIssue(issue as never));
    expect(said(own, 'x')).toEqual(['This is not taken here']);
  });

  it('is what the application has zod say everywhere, where it has it say something', () => {
    z.config({ customError: ({ code }) => (code === 'invalid_type' ? { message: 'Anders, bitte' } : undefined) });
    try {
      expect(said(z.string(), 5)).toEqual(['Anders, bitte']);
      expect(said(z.string().min(1), '')).toEqual(['Must not be empty']);
      expect(said(z.string('Give a name'), 5)).toEqual(['Give a name']);
    } finally {
      z.config({ customError: undefined });
    }
  });

  it('is said so on the wire', () => {
    const parsed = wireOf(z.object({ serviceType: kind, retryCount: z.int().max(10) })).parse({ retry_count: 11 });
    expect(parsed).toEqual({
      ok: false,
      issues: [
        { path: 'service_type', message: 'This is required: one of tcp, http' },
        { path: 'retry_count', message: 'Must be at most 10' },
      ],
    });
  });

  it('is never said in the words of zod, whatever is given to whichever schema', () => {
    const schemas = table.map(([, schema]) => schema);
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.jsonValue(), (schema, value) => {
        for (const nested of [schema, z.object({ deep: z.array(schema) })])
          for (const message of said(nested, nested === schema ? value : { deep: [value] }))
            expect(message).not.toMatch(/^Invalid |^Too (small|big)|Unrecognized|expected|undefined|NaN/);
      }),
    );
  });
});
