import { describe, expect, it } from 'vitest';
import { canonicalHost } from '../../src/net/index.js';

describe('canonicalHost', () => {
  it.each([
    ...['127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0x7f.0x0.0x0.0x1', '0177.0.0.1', '00000177.0.0.1'],
    ...['017700000001', '127.000.000.001', '①②⑦.⓪.⓪.①', '127。0。0。1', '127.0.0.1.', '１２７.０.０.１', '127.0.0.1'],
  ])('sees 127.0.0.1 in %s', (text) => expect(canonicalHost(text)).toEqual({ kind: 'address', address: '127.0.0.1' }));

  it.each([
    ['0', '0.0.0.0'],
    ['0x', '0.0.0.0'],
    ['0127.0.0.1', '87.0.0.1'],
    ['2852039166', '169.254.169.254'],
    ['0xa9fea9fe', '169.254.169.254'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
    ['FD00:EC2::0254', 'fd00:ec2::254'],
  ])('reads %s as %s', (text, address) => expect(canonicalHost(text)).toEqual({ kind: 'address', address }));

  it.each([
    ['LOCALHOST.', 'localhost'],
    ['Example.COM', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['orders_db', 'orders_db'],
    ['ｅxample。com', 'example.com'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('reads %s as the name %s', (text, name) => expect(canonicalHost(text)).toEqual({ kind: 'name', name }));

  it.each([
    ...['', '.', '..', 'a..b', '.a', ' ', 'a b', 'a\tb', 'a\nb', 'a\r\nSET x', 'a\0b', '\u00a01.1.1.1', 'fe80::1%lo'],
    ...['[fe80::1%25lo]', 'fe80::1%25lo', 'localhost%2eexample', '127.0.0.1%00.example.com', 'example.com@127.0.0.1'],
    ...['127.0.0.1#@example.com', '127.0.0.1:80', 'a/b', 'a?b', 'a\\b'],
    ...['[::1]:80', '[::1', '::1]', '[127.0.0.1]', '256.1'],
    ...['1.2.3.4.5', 'a.0x1', '1.2.3.08', 'h1,h2', '%2Fvar', '127.0.0.1％00', 'a／b', 'a：80', '-a.example', 'a-', '*'],
    ...['a'.repeat(64), 'a.'.repeat(127) + 'a', '127.0.0.1..', '::1::', 'http://a', '\u202ea'],
  ])('refuses %j', (text) => {
    expect(() => canonicalHost(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('never repeats what it refused', () => {
    try {
      canonicalHost('postgres://user:S3CRET@host/db');
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error) + String(error) + (error as Error).stack).not.toContain('S3CRET');
    }
  });
});
