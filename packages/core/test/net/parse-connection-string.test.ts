import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConnectionString } from '../../src/net/index.js';

describe('parseConnectionString', () => {
  it.each([
    ['postgres://db.test', { protocol: 'postgres', host: 'db.test', port: 5432, tls: false, verify: true }],
    ['mariadb://[::1]:3307/', { protocol: 'mysql', host: '::1', port: 3307, tls: false, verify: true }],
    ['redis://127.1/3', { protocol: 'redis', host: '127.0.0.1', port: 6379, database: '3', tls: false, verify: true }],
    ['rediss://:pw@R.Test', { protocol: 'redis', host: 'r.test', port: 6379, password: 'pw', tls: true, verify: true }],
    ['mysql://root@h/a?sslmode=require', { user: 'root', database: 'a', tls: true, verify: false }],
    ['postgresql://h/a?sslmode=verify-full', { protocol: 'postgres', database: 'a', tls: true, verify: true }],
    ['postgres://u%40x:p%3A%2F%40%25@h:1/d%20b', { user: 'u@x', password: 'p:/@%', port: 1, database: 'd b' }],
    ['postgres://u:a:b@h', { user: 'u', password: 'a:b' }],
  ])('reads %s', (text, parts) => expect(parseConnectionString(text)).toEqual(expect.objectContaining(parts)));

  it.each([
    ...['', 'S3CRET', 'http://h', 'ftp://h', 'POSTGRES://h'],
    ...['postgres:h', 'postgres:/h', 'postgres:///db', 'postgres://'],
    ...['socket:/tmp/x', 'redis+unix:///tmp/x', 'unix:///x'],
    ...['postgres://%2Fvar%2Frun/db', 'postgres:////h', 'toString://h'],
    ...['postgres://h?host=169.254.169.254', 'postgres://h/d?host=/var/run'],
    ...['postgres://h/d?port=22', 'postgres://h?a'],
    ...['postgres://h/d?options=-c%20x', 'postgres://h/d?sslrootcert=/etc/shadow', 'postgres://h/d?sslkey=/etc/shadow'],
    ...['postgres://h?sslmode=require&host=x', 'postgres://h?sslmode=allow'],
    ...['postgres://h?sslmode=', 'postgres://h?SSLMODE=require'],
    ...['postgres://h?sslmode=require&sslmode=disable', 'postgres://h?sslmode=toString', 'rediss://h?sslmode=disable'],
    ...['redis://h/0?path=/tmp/x', 'mysql://h/d?socketPath=/x&flags=LOCAL_FILES', 'redis://h/x', 'redis://h/-1'],
    ...['postgres://h1,h2/db', 'postgres://h1:1,h2:2/db', 'postgres://a@b@h/d'],
    ...['postgres://a:b@c:d@h', 'postgres://h#x'],
    ...['postgres://h:0', 'postgres://h:', 'postgres://h:65536'],
    ...['postgres://h:-1', 'postgres://h:1e2', 'postgres://h:٨٠'],
    ...['postgres://h:80 ', ' postgres://h', 'postgres://h/a/b'],
    ...['postgres://h/a%2Fb', 'postgres://u:%zz@h', 'postgres://u%00@h'],
    ...['postgres://fe80::1%25lo/d', 'postgres://[fe80::1%25lo]/d', 'postgres://::1/d'],
    ...['postgres://[h]/d', 'postgres://h\\@x'],
    `postgres://${'h'.repeat(5_000)}`,
  ])('refuses %j', (text) => {
    expect(() => parseConnectionString(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('never repeats what it refused, whatever that was', () => {
    const secret = 'Zq7S3CRET';
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom('postgres', 'redis', 'x', ''), (left, right, scheme) => {
        for (const text of [`${scheme}://${left}${secret}${right}`, `${scheme}://u:${secret}@${right}?${left}`])
          try {
            parseConnectionString(text);
          } catch (error) {
            expect(error).toEqual(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
            const { stack, cause } = error as Error;
            expect(`${JSON.stringify(error)}${stack}${String(cause)}`).not.toContain(secret);
          }
      }),
    );
  });
});
