import { describe, expect, it } from 'vitest';
import {
  canDump,
  certificatesFor,
  clientOptions,
  dumpOptions,
  makerOf,
  ownFirst,
} from '../../src/backups/databases/mysql-programs.js';

describe('the programs of MariaDB and of MySQL', () => {
  it.each([
    ['mariadb', 'mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)'],
    ['mariadb', 'mariadb-dump from 11.8.3-MariaDB, client 10.19 for debian-linux-gnu (x86_64)'],
    ['mariadb', '11.8.3-MariaDB-ubu2404-log'],
    ['mysql', 'mysqldump  Ver 9.7.4-2 for Linux on x86_64 ((Debian))'],
    ['mysql', 'mysqldump  Ver 8.0.36-28 for Linux on x86_64 (Percona Server (GPL), Release 28)'],
    ['mysql', '8.4.6'],
  ])('are %s when they call themselves %s', (maker, version) => {
    expect(makerOf(version)).toBe(maker);
  });

  it.each([
    ['mariadb', 'off', []],
    ['mariadb', 'unverified', ['ssl']],
    ['mariadb', 'verified', ['ssl', 'ssl-verify-server-cert']],
    ['mysql', 'off', ['ssl-mode=DISABLED', 'get-server-public-key']],
    ['mysql', 'unverified', ['ssl-mode=REQUIRED']],
    ['mysql', 'verified', ['ssl-mode=VERIFY_IDENTITY']],
  ] as const)('of %s are told of TLS that is %s: %s', (maker, tls, lines) => {
    const parts = { host: 'db', port: 3307, user: 'u', password: 'a"b\\#c' };
    const written = (caFile?: string) => clientOptions(maker, parts, { tls, caFile }).split('\n');
    const before = ['[client]', 'protocol=tcp', 'host="db"', 'port=3307', 'user="u"', 'password="a\\"b\\\\#c"'];
    expect(written()).toEqual([...before, 'default-character-set=utf8mb4', ...lines, '']);
    expect(written('/tmp/ca.pem').slice(-3)).toContain('ssl-ca="/tmp/ca.pem"');
  });

  it('of MySQL get the certificates that are trusted anyway, for of themselves they look nowhere', () => {
    expect(certificatesFor('mysql', 'verified', undefined)).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(certificatesFor('mysql', 'verified', 'of the policy')).toBe('of the policy');
    expect(certificatesFor('mysql', 'unverified', undefined)).toBeUndefined();
    expect(certificatesFor('mariadb', 'verified', undefined)).toBeUndefined();
  });

  it('of MySQL alone are told to leave out what the whole server has seen', () => {
    expect(dumpOptions('mysql')).toEqual([...dumpOptions('mariadb'), '--set-gtid-purged=OFF']);
  });

  it('are looked for beginning with those of the server, and stay as they are when one is named', () => {
    const both = ['mariadb-dump', 'mysqldump'];
    expect(ownFirst(both, 'mariadb')).toEqual(both);
    expect(ownFirst(both, 'mysql')).toEqual(['mysqldump', 'mariadb-dump']);
    expect(ownFirst(['/opt/my/dump'], 'mariadb')).toEqual(['/opt/my/dump']);
  });

  it.each([
    ['mysql', 'mysql', true, true],
    ['mysql', 'mariadb', true, true],
    ['mariadb', 'mariadb', true, true],
    ['mariadb', 'mysql', false, true],
    ['mariadb', 'mysql', true, false],
  ] as const)('of %s dump a database of %s, with computed columns: %s; %s', (maker, server, computes, can) => {
    expect(canDump(maker, { server, computes })).toBe(can);
  });
});
