import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { condition, type Condition } from '../../src/conditions/condition.js';
import { failedCondition, holds } from '../../src/conditions/evaluate.js';
import { follow, readPath } from '../../src/conditions/path.js';

const body = JSON.stringify({
  name: 'Ada',
  age: 36,
  score: '12.5',
  admin: false,
  nothing: null,
  items: [
    { id: 1, name: 'first' },
    { id: 2, name: 'second', tags: ['a', 'b'] },
  ],
  matrix: [
    [1, 2],
    [3, 4],
  ],
  'odd key': { 'a.b': true },
  empty: [],
  zero: 0,
  blank: '',
});
const facts = {
  status: 200,
  latency: 0.25,
  headers: { 'content-type': 'application/json; charset=utf-8', server: 'nginx/1.27' },
  body,
  certificate: { days_left: 30, protocol: 'TLSv1.3' },
  answers: ['192.0.2.1', '192.0.2.2'],
  rcode: 'NOERROR',
  listing: '[{"id":7}]',
  plain: 'pong',
};
type Row = [on: string, op: Condition['op'], value: Condition['value'], holds: boolean];

const rows: Row[] = [
  // Numbers.
  ['status', 'eq', 200, true],
  ['status', 'eq', 201, false],
  ['status', 'eq', '200', true],
  ['status', 'eq', '0200', false],
  ['status', 'eq', '200.0', true],
  ['status', 'eq', true, false],
  ['status', 'eq', null, false],
  ['status', 'ne', 200, false],
  ['status', 'ne', 500, true],
  ['status', 'ne', '200', false],
  ['status', 'lt', 300, true],
  ['status', 'lt', 200, false],
  ['status', 'lte', 200, true],
  ['status', 'lte', 199, false],
  ['status', 'gt', 199, true],
  ['status', 'gt', 200, false],
  ['status', 'gte', 200, true],
  ['status', 'gte', 201, false],
  ['status', 'in', [200, 204], true],
  ['status', 'in', ['200'], true],
  ['status', 'in', [201, 204], false],
  ['status', 'not_in', [200, 204], false],
  ['status', 'not_in', [500], true],
  ['status', 'like', '2*', true],
  ['status', 'like', '3*', false],
  ['status', 'contains', '00', true],
  ['latency', 'lt', 0.5, true],
  ['latency', 'lt', 0.25, false],
  ['latency', 'lte', 0.25, true],
  ['latency', 'gt', 0.5, false],
  ['certificate.days_left', 'gt', 14, true],
  ['certificate.days_left', 'gt', 30, false],
  ['certificate.days_left', 'gte', 30, true],
  ['certificate.protocol', 'eq', 'TLSv1.3', true],
  ['certificate.protocol', 'in', ['TLSv1.2', 'TLSv1.3'], true],
  ['certificate.issuer', 'exists', undefined, false],
  // Text.
  ['rcode', 'eq', 'NOERROR', true],
  ['rcode', 'eq', 'noerror', false],
  ['rcode', 'ne', 'NXDOMAIN', true],
  ['rcode', 'starts_with', 'NO', true],
  ['rcode', 'starts_with', 'ERROR', false],
  ['rcode', 'ends_with', 'ERROR', true],
  ['rcode', 'ends_with', 'NO', false],
  ['rcode', 'contains', 'ERR', true],
  ['rcode', 'not_contains', 'ERR', false],
  ['rcode', 'not_contains', 'SERV', true],
  ['rcode', 'lt', 5, false],
  ['rcode.length', 'eq', 7, true],
  ['plain', 'eq', 'pong', true],
  ['plain.anything', 'exists', undefined, false],
  ['headers.server', 'like', 'nginx/*', true],
  ['headers.server', 'like', '*/1.27', true],
  ['headers.server', 'like', 'n*x/1.*', true],
  ['headers.server', 'like', 'nginx', false],
  ['headers.server', 'like', 'nginx/1.27', true],
  ['headers.server', 'like', '*', true],
  ['headers.server', 'like', '**', true],
  ['headers.server', 'like', '*apache*', false],
  ['headers.server', 'not_like', '*apache*', true],
  ['headers.server', 'not_like', '*nginx*', false],
  ['headers.server', 'like', '*27*27', false],
  ['headers["content-type"]', 'starts_with', 'application/json', true],
  ['headers.content-type', 'contains', 'utf-8', true],
  ['headers.missing', 'eq', 'x', false],
  ['headers.missing', 'ne', 'x', false],
  ['headers.missing', 'missing', undefined, true],
  ['headers.missing', 'exists', undefined, false],
  ['headers.missing', 'not_contains', 'x', false],
  ['headers.missing', 'not_in', ['x'], false],
  ['headers.missing', 'not_like', 'x', false],
  ['headers.server', 'exists', undefined, true],
  ['headers.server', 'missing', undefined, false],
  // JSON bodies.
  ['body.name', 'eq', 'Ada', true],
  ['body.name', 'eq', 'ada', false],
  ['body.name.length', 'eq', 3, true],
  ['body.name', 'like', 'A*a', true],
  ['body.name', 'in', ['Ada', 'Bob'], true],
  ['body.age', 'eq', 36, true],
  ['body.age', 'eq', '36', true],
  ['body.age', 'gt', 35, true],
  ['body.age', 'lt', 36, false],
  ['body.score', 'gt', 12, true],
  ['body.score', 'lte', 12.5, true],
  ['body.score', 'eq', 12.5, true],
  ['body.score', 'eq', '12.50', false],
  ['body.admin', 'eq', false, true],
  ['body.admin', 'eq', true, false],
  ['body.admin', 'eq', 'false', false],
  ['body.admin', 'ne', true, true],
  ['body.nothing', 'eq', null, true],
  ['body.nothing', 'ne', null, false],
  ['body.nothing', 'exists', undefined, true],
  ['body.nothing', 'eq', 'null', false],
  ['body.nothing.deeper', 'exists', undefined, false],
  ['body.zero', 'eq', 0, true],
  ['body.zero', 'lt', 1, true],
  ['body.zero', 'exists', undefined, true],
  ['body.blank', 'eq', '', true],
  ['body.blank', 'eq', 0, false],
  ['body.blank', 'exists', undefined, true],
  ['body.blank.length', 'eq', 0, true],
  ['body.items.length', 'eq', 2, true],
  ['body.items.length', 'gte', 3, false],
  ['body.items[0].name', 'eq', 'first', true],
  ['body.items[1].name', 'eq', 'second', true],
  ['body.items[2].name', 'exists', undefined, false],
  ['body.items[2]', 'missing', undefined, true],
  ['body.items[1].tags', 'contains', 'b', true],
  ['body.items[1].tags', 'contains', 'c', false],
  ['body.items[1].tags', 'not_contains', 'c', true],
  ['body.items[1].tags.length', 'eq', 2, true],
  ['body.items[0].id', 'in', [1, 2], true],
  ['body.items.name', 'exists', undefined, false],
  ['body.items', 'exists', undefined, true],
  ['body.items', 'eq', 'x', false],
  ['body.empty.length', 'eq', 0, true],
  ['body.empty', 'contains', 'a', false],
  ['body.matrix[1][0]', 'eq', 3, true],
  ['body.matrix[1][2]', 'missing', undefined, true],
  ['body["odd key"]["a.b"]', 'eq', true, true],
  ['body.unknown', 'missing', undefined, true],
  ['body.unknown', 'eq', null, false],
  ['body.name.first', 'missing', undefined, true],
  ['body', 'contains', '"name":"Ada"', true],
  ['body', 'like', '*Ada*second*', true],
  ['body', 'like', '*second*Ada*', false],
  ['body.length', 'gt', 10, true],
  ['listing[0].id', 'eq', 7, true],
  ['body.__proto__', 'missing', undefined, true],
  ['body.constructor', 'missing', undefined, true],
  ['body.items.map', 'missing', undefined, true],
  // Lists of answers.
  ['answers', 'contains', '192.0.2.2', true],
  ['answers', 'contains', '192.0.2.3', false],
  ['answers', 'contains', '192.0.2', false],
  ['answers.length', 'eq', 2, true],
  ['answers[0]', 'starts_with', '192.0.2.', true],
  ['answers[0]', 'in', ['192.0.2.1'], true],
  ['answers', 'lt', 3, false],
];

describe('a condition', () => {
  it.each(rows)('%s %s %j holds: %j', (on, op, value, expected) => {
    const given = { on, op, ...(value !== undefined && { value }) };
    expect(holds(condition.parse(given), facts)).toBe(expected);
  });

  it('about JSON does not hold of what is none, and a list may be the whole body', () => {
    const named = condition.parse({ on: 'body.name', op: 'eq', value: 'Ada' });
    for (const text of ['', 'Ada', '{"name":"Ada"', '{"name":"Ada"}}', 'null', '[]', '"Ada"'])
      expect(holds(named, { body: text }), text).toBe(false);
    expect(holds(condition.parse({ on: 'body[0].id', op: 'eq', value: 7 }), { body: '[{"id":7}]' })).toBe(true);
    // Text is no list of its characters.
    expect(holds(condition.parse({ on: 'body[0]', op: 'exists' }), { body: '"Ada"' })).toBe(false);
  });
});

describe('what is no condition is refused', () => {
  it.each([
    ['an unknown comparison', { on: 'status', op: 'matches', value: '.*' }],
    ['an order without a number', { on: 'status', op: 'lt', value: '300' }],
    ['a list where there must be none', { on: 'status', op: 'eq', value: [200] }],
    ['no list where there must be one', { on: 'status', op: 'in', value: 200 }],
    ['an empty list', { on: 'status', op: 'in', value: [] }],
    ['a value where there must be none', { on: 'status', op: 'exists', value: 1 }],
    ['no value', { on: 'status', op: 'eq' }],
    ['an empty path', { on: '', op: 'exists' }],
    ['a path that begins with a dot', { on: '.status', op: 'exists' }],
    ['a path that ends with a dot', { on: 'body.', op: 'exists' }],
    ['two dots', { on: 'body..name', op: 'exists' }],
    ['an open bracket', { on: 'body[0', op: 'exists' }],
    ['a place below zero', { on: 'body[-1]', op: 'exists' }],
    ['code', { on: 'body[process.exit()]', op: 'exists' }],
    ['a wildcard', { on: 'body[*]', op: 'exists' }],
    ['names without a dot between', { on: 'body[0]name', op: 'exists' }],
    ['a place to begin with', { on: '[0].name', op: 'exists' }],
    ['spaces', { on: 'body. name', op: 'exists' }],
    ['a very deep path', { on: `body${'[0]'.repeat(40)}`, op: 'exists' }],
    ['an object for a value', { on: 'status', op: 'eq', value: { a: 1 } }],
    ['another severity', { on: 'status', op: 'eq', value: 1, severity: 'offline' }],
  ])('%s', (_, given) => {
    expect(condition.safeParse(given).success).toBe(false);
  });
});

describe('of several conditions', () => {
  const read = (...given: Parameters<typeof condition.parse>[0][]) => given.map((it) => condition.parse(it));

  it('the first critical one that does not hold is told, in the words of who wrote it', () => {
    const conditions = read(
      { on: 'latency', op: 'lt', value: 0.1, severity: 'degraded' },
      { on: 'status', op: 'eq', value: 200 },
      { on: 'body.name', op: 'in', value: ['Bob', 'Eve'] },
    );
    expect(failedCondition(conditions, facts)).toEqual({
      severity: 'critical',
      message: 'The condition body.name in ["Bob","Eve"] does not hold',
    });
    expect(failedCondition(conditions.slice(0, 2), facts)?.severity).toBe('degraded');
    expect(failedCondition(conditions.slice(1, 2), facts)).toBeUndefined();
  });

  it('the words are as many as people read, however many were written', () => {
    const value = Array.from({ length: 50 }, () => '漢'.repeat(1_000));
    const message = failedCondition(read({ on: 'body', op: 'in', value }), facts)?.message ?? '';
    expect(message).toMatch(/^The condition body in \["漢+… does not hold$/);
    expect(message.length).toBeLessThan(200);
  });

  it('none tells what was found', () => {
    const secret = 'hunter2';
    const failed = failedCondition(read({ on: 'body.password', op: 'missing' }), {
      body: JSON.stringify({ password: secret }),
    });
    expect(JSON.stringify(failed)).not.toContain(secret);
  });
});

describe('paths', () => {
  it.each(['body["a\u0000b"]', 'body["a\nb"]', 'body["a\u0085b"]'])('have no control characters: %j', (on) => {
    expect(condition.safeParse({ on, op: 'exists' }).success).toBe(false);
  });

  it('lead to what a plain walk leads to', () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(key, fc.nat(3)), { minLength: 1, maxLength: 6 }), fc.jsonValue(), (steps, leaf) => {
        const path = ['root', ...steps];
        const value = path.reduceRight<unknown>(
          (inner, step) =>
            typeof step === 'number' ? Array.from({ length: step + 1 }, () => inner) : { [step]: inner },
          { found: leaf },
        );
        const text = path
          .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
          .join('')
          .slice(1);
        const found = follow(readPath(text) ?? [], value) as { found: unknown };
        expect(found.found).toEqual(leaf);
      }),
    );
  });

  it('and patterns end in good time whatever they are given', () => {
    const text = 'a'.repeat(200_000);
    const slow = condition.parse({ on: 'body', op: 'like', value: '*a'.repeat(99) + 'b' });
    const before = process.cpuUsage();
    expect(holds(slow, { body: text })).toBe(false);
    // A backtracking matcher would not end in the lifetime of the machine. Of this process's own time, in microseconds.
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
    fc.assert(fc.property(fc.string(), (anything) => void readPath(anything)));
  });
});
