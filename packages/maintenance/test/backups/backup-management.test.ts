import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createConnection } from 'mysql2/promise';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { available, freshMysql, freshPostgres, mysqlPrograms } from '../../../../test/support/services.js';
import { ownerOf } from '../../src/backups/databases/server.js';
import { createMaintenance, memoryMaintenanceStore, type BackupPolicy } from '../../src/index.js';

let root: string;
let directory: string;
let file: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dotmac-backups-'));
  directory = join(root, 'kept');
  file = join(root, 'app.db');
  await mkdir(directory);
  const db = new Sqlite(file);
  db.exec("create table t (x); insert into t values ('one'), ('two')");
  db.close();
});
afterEach(() => rm(root, { recursive: true }));

const logged: unknown[] = [];
const say = (...said: unknown[]): void => void logged.push(...said);
const logger = { debug: say, info: say, warn: say, error: say };
const scopeOf = (policies: Partial<BackupPolicy>[], clock: Clock = systemClock) =>
  createMaintenance({
    store: memoryMaintenanceStore(),
    clock,
    logger,
    backups: policies.map((it) => ({ name: 'main', url: `sqlite:${file}`, directory, keep: { last: 2 }, ...it })),
  }).scope({ tenantId: 'acme' });
const at = (text: string): Clock => ({ ...systemClock, now: () => Date.parse(text) });
const backUp = (scope: ReturnType<typeof scopeOf>, parameters = {}) => scope.runs.run('backup_management', parameters);

describe('backup management', () => {
  it('plans without changing anything, then does just that', async () => {
    for (const day of ['20', '21', '22'])
      await backUp(scopeOf([{ keep: { last: 9 } }], at(`2026-11-${day}T03:00:00Z`)));
    const before = await readdir(directory);
    const scope = scopeOf([{ keep: { last: 2 } }], at('2026-11-23T03:00:00Z'));
    const plan = await scope.plans.create({ maintenanceType: 'backup_management', parameters: {} });
    expect(await readdir(directory)).toEqual(before);
    expect(plan.plan.targets).toMatchObject([
      { target: 'backup:main', action: 'dump', items: 1, bytes: expect.any(Number) },
      {
        target: 'prune:main',
        action: 'delete',
        items: 2,
        total: 3,
        sample: [expect.stringMatching(/^20261121.*: no rule keeps it/), expect.stringMatching(/^20261120/)],
      },
    ]);
    const run = await scope.plans.apply(plan.id);
    expect(run).toMatchObject({ status: 'completed', itemsProcessed: 3, itemsCleaned: 2 });
    const [outcome] = run.details['policies'] as { backup: { state: string }; removed: { reason: string }[] }[];
    expect(outcome).toMatchObject({
      backup: { state: 'verified', tables: 1 },
      removed: [{ reason: 'no rule keeps it' }, {}],
    });
    const { items } = await scope.backups.list({});
    expect(
      items.map(({ takenAt, kept, reasons, state, rows }) => [
        new Date(takenAt).getUTCDate(),
        kept,
        reasons,
        state,
        rows,
      ]),
    ).toEqual([
      [23, true, ['last', 'newest verified'], 'verified', 2],
      [22, true, ['last'], 'verified', 2],
    ]);
    expect(await readdir(directory)).toHaveLength(4);
  });

  it('lists in pages, by policy and state, to those tenants that may see it', async () => {
    const policies = [{ name: 'a' }, { name: 'b' }, { name: 'theirs', tenants: ['other'] }];
    for (const day of ['20', '21']) await backUp(scopeOf(policies, at(`2026-11-${day}T03:00:00Z`)));
    const { backups } = scopeOf(policies);
    const first = await backups.list({ limit: 3 });
    const second = await backups.list({ limit: 3, cursor: first.nextCursor ?? '' });
    const all = [...first.items, ...second.items];
    expect(all.map(({ policy }) => policy).sort()).toEqual(['a', 'a', 'b', 'b']);
    expect(second.nextCursor).toBeNull();
    expect((await backups.list({ policy: 'a' })).items).toHaveLength(2);
    for (const query of [{ policy: 'theirs' }, { policy: 'none' }, { cursor: 'garbage' }])
      await expect(backups.list(query)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: Object.keys(query)[0] }],
      });
    expect((await backups.list({ state: 'broken' })).items).toEqual([]);
  });

  it('finds a backup that rotted, and keeps the good ones', async () => {
    const keep = { last: 9 };
    for (const day of ['20', '21', '22']) await backUp(scopeOf([{ keep }], at(`2026-11-${day}T03:00:00Z`)));
    const dumps = (await readdir(directory)).filter((name) => name.endsWith('.gz')).sort();
    const rotten = join(directory, dumps[2] ?? '');
    const bytes = await readFile(rotten);
    bytes[100]! ^= 1;
    await writeFile(rotten, bytes);
    const scope = scopeOf([{ keep: { last: 1 } }], at('2026-11-23T03:00:00Z'));
    expect(await backUp(scope, { action: 'verify' })).toMatchObject({
      status: 'failed',
      errorMessage: 'Not every backup could be tried out with success of main (broken).',
    });
    const { items } = await scope.backups.list({});
    // The newest good one stays, and nothing that is newer than it goes.
    expect(items.map(({ state, kept }) => [state, kept])).toEqual([
      ['broken', true],
      ['verified', true],
      ['verified', false],
    ]);
    await backUp(scope);
    expect((await scope.backups.list({})).items.map(({ state }) => state)).toEqual(['verified']);
  });

  it('finds what was cut off and what was lost, counts it in no rule, and removes it once there is a good one', async () => {
    for (const day of ['20', '21', '22'])
      await backUp(scopeOf([{ keep: { last: 9 } }], at(`2026-11-${day}T03:00:00Z`)));
    const dumps = (await readdir(directory)).filter((name) => name.endsWith('.gz')).sort();
    await truncate(join(directory, dumps[1] ?? ''), 20);
    await rm(join(directory, dumps[2] ?? ''));
    const scope = scopeOf([{ keep: { last: 1 } }], at('2026-11-23T03:00:00Z'));
    const shown = async () => (await scope.backups.list({})).items.map(({ state, kept }) => [state, kept]);
    const found = [
      ['broken', true],
      ['broken', true],
      ['verified', true],
    ];
    expect(await shown()).toEqual(found);
    expect(await backUp(scope, { action: 'verify' })).toMatchObject({
      ...{ status: 'failed', itemsProcessed: 3 },
      errorMessage: 'Not every backup could be tried out with success of main (broken).',
      details: { policies: [{ verified: 3, broken: 2 }] },
    });
    expect(await shown()).toEqual(found);
    const [lost] = (await scope.backups.list({ state: 'broken' })).items;
    expect(lost).toMatchObject({ fault: 'The file is missing.' });
    await expect(
      scope.backups.restore({ policy: 'main', id: lost?.id ?? '' }, `sqlite:${join(root, 'restored.db')}`),
    ).rejects.toThrow(expect.objectContaining({ code: 'BACKUP_NOT_RESTORED' }));
    const whole = (await stat(join(directory, dumps[0] ?? ''))).size;
    const run = await backUp(scope);
    expect(run.details['policies']).toMatchObject([{ removed: [{ bytes: 0 }, { bytes: 20 }, { bytes: whole }] }]);
    expect(await shown()).toEqual([['verified', true]]);
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('takes a file that came back for good once it is tried out', async () => {
    const scope = scopeOf([{}]);
    await backUp(scope);
    const [dump = ''] = (await readdir(directory)).filter((name) => name.endsWith('.gz'));
    await rename(join(directory, dump), join(root, dump));
    expect(await backUp(scope, { action: 'verify' })).toMatchObject({ status: 'failed' });
    await rename(join(root, dump), join(directory, dump));
    expect((await scope.backups.list({})).items).toMatchObject([{ state: 'broken' }]);
    expect(await backUp(scope, { action: 'verify' })).toMatchObject({ status: 'completed' });
    expect((await scope.backups.list({})).items).toMatchObject([{ state: 'verified', fault: null }]);
  });

  it('restores into a file that is not there, and into no other', async () => {
    const scope = scopeOf([{}]);
    await backUp(scope);
    const [backup] = (await scope.backups.list({})).items;
    const name = { policy: 'main', id: backup?.id ?? '' };
    const into = join(root, 'restored.db');
    expect(await scope.backups.restore(name, `sqlite:${into}`)).toEqual({ tables: 1 });
    expect(new Sqlite(into).prepare('select x from t').pluck().all()).toEqual(['one', 'two']);
    const refused = (code: string) => expect.objectContaining({ code });
    await expect(scope.backups.restore(name, `sqlite:${into}`)).rejects.toThrow(refused('BACKUP_NOT_RESTORED'));
    await expect(scope.backups.restore(name, 'postgres://x/y')).rejects.toThrow(refused('BACKUP_NOT_RESTORED'));
    await expect(scope.backups.restore({ ...name, id: 'x' }, 'sqlite:/x/y')).rejects.toThrow(
      refused('BACKUP_NOT_FOUND'),
    );
    await expect(scope.backups.restore({ ...name, policy: 'x' }, 'sqlite:/x/y')).rejects.toThrow(
      refused('BACKUP_NOT_FOUND'),
    );
  });

  it('backs up the others when one policy fails', async () => {
    const scope = scopeOf([{ name: 'a', directory: join(root, 'missing') }, { name: 'b' }]);
    expect(await backUp(scope)).toMatchObject({
      status: 'failed',
      errorMessage: 'There is no good new backup of a (directory_missing).',
    });
    expect((await scope.backups.list({})).items).toMatchObject([{ policy: 'b', state: 'verified' }]);
  });

  it('finds a damaged database, and makes no backup of none', async () => {
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, 4_096));
    expect(await backUp(scopeOf([{}]))).toMatchObject({ status: 'failed' });
    await rm(file);
    expect(await backUp(scopeOf([{}]))).toMatchObject({ errorMessage: expect.stringContaining('no_such_database') });
    expect((await readdir(directory)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it.each<[string, Partial<BackupPolicy>]>([
    ['an empty policy', { keep: {} }],
    ['a directory near the root of the disk', { directory: '/backups' }],
    ['a relative directory', { directory: 'backups' }],
    ['a database in memory', { url: 'sqlite::memory:' }],
    ['no database', { url: 'https://example.com/' }],
    ['a password of two lines', { url: 'postgres://u:a%0Ab@127.0.0.1/x' }],
    ['an unknown time zone', { timeZone: 'Mars/Olympus' }],
    ['a deadline of none', { timeoutMs: 0 }],
    ['a name with a slash', { name: '../main' }],
  ])('is refused with %s', (_, policy) => {
    expect(() => scopeOf([policy])).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  const tmpfs = spawnSync('unshare', ['--mount', 'true']).status === 0;
  it.skipIf(!tmpfs)('makes no backup on a full disk, and leaves the one that there is', async () => {
    const db = new Sqlite(file);
    db.exec(
      'create table big as with recursive n(i) as (select 1 union all select i + 1 from n limit 20000) select i, hex(randomblob(100)) x from n',
    );
    db.close();
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=9m,mode=700', 'tmpfs', directory]);
    try {
      const scope = scopeOf([{}]);
      expect(await backUp(scope)).toMatchObject({ status: 'completed' });
      await writeFile(join(directory, 'other'), Buffer.alloc(2_500_000));
      expect(await backUp(scope)).toMatchObject({
        status: 'failed',
        errorMessage: expect.stringContaining('disk_full'),
      });
      expect((await scope.backups.list({})).items).toMatchObject([{ state: 'verified' }]);
      expect(await readdir(directory)).toHaveLength(3);
    } finally {
      spawnSync('umount', [directory]);
    }
  });
});

/** A program of the test's own. */
async function program(name: string, script: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\n[ "$1" = --version ] && echo "${name} 1.0" && exit 0\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe.skipIf(!available.postgres || !available.postgresClient)(
  'with PostgreSQL (needs PostgreSQL: npm run services)',
  () => {
    let source: Awaited<ReturnType<typeof freshPostgres>>;
    const ask = async (statement: string, url = source.url) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      return (await client.query<Record<string, string>>(statement).finally(() => client.end())).rows;
    };
    beforeEach(async () => {
      source = await freshPostgres();
      await ask('create table t (x int); insert into t select generate_series(1, 1000)');
    });
    afterEach(() => source.drop());
    /** Of this test alone: who runs it beside us has a database of that kind on this server, too. */
    const foreign = () => `ofsomebodyelse${new URL(source.url).pathname.replaceAll(/[^a-z0-9]/g, '')}`;
    /** Others on this server have theirs. */
    const scratchDatabases = () => {
      const names = [ownerOf({ name: 'main', url: source.url, directory }), foreign()];
      return ask(`select datname from pg_database where datname similar to 'dotmac\\_scratch\\_(${names.join('|')})%'`);
    };

    it.each([
      [
        'fails half-way',
        'pg_dump "$@" | head -c 2000; echo "pg_dump: error: server closed the connection" >&2; exit 1',
        'lost_connection',
      ],
      ['stops short and says that all is well', 'pg_dump "$@" | head -c 2000', 'not_verified'],
      ['writes nothing', 'exit 0', 'not_verified'],
      ['has no room', 'echo "could not write: No space left on device" >&2; exit 1', 'disk_full'],
      ['dies', 'kill -9 $$', 'program_failed'],
    ])('keeps what there is when the program %s', async (_, script, fault) => {
      await backUp(scopeOf([{ url: source.url }], at('2026-11-20T03:00:00Z')));
      const dump = await program('dump', script);
      const scope = scopeOf([{ url: source.url, keep: { last: 1 }, programs: { dump } }]);
      expect(await backUp(scope)).toMatchObject({
        status: 'failed',
        errorMessage: `There is no good new backup of main (${fault}).`,
      });
      const { items } = await scope.backups.list({ state: 'verified' });
      expect(items).toMatchObject([{ kept: true }]);
      expect((await readdir(directory)).filter((name) => name.includes('partial'))).toEqual([]);
      expect(await scratchDatabases()).toEqual([]);
    });

    it('tries out what a run had taken that was ended before, and takes no other', async () => {
      const [begun, mayGoOn] = [join(root, 'begun'), join(root, 'may-go-on')];
      const restore = await program(
        'restore',
        `[ -e ${mayGoOn} ] && exec pg_restore "$@"; touch ${begun}; exec sleep 60`,
      );
      const scope = scopeOf([{ url: source.url, programs: { restore } }]);
      const { taskId } = await scope.runs.beginRun('backup_management', {});
      const ended = (id: string) => expect.poll(async () => (await scope.runs.get(id)).endTime, { timeout: 30_000 });
      await expect.poll(() => stat(begun).catch(() => null), { timeout: 30_000 }).not.toBeNull();
      await scope.runs.cancel(taskId);
      await ended(taskId).not.toBeNull();
      const [taken] = (await scope.backups.list({})).items;
      expect(taken).toMatchObject({ state: 'unverified' });
      const cut = await scope.runs.get(taskId);
      const reported = {
        policy: 'main',
        outcome: 'partial',
        backup: { id: taken?.id, state: 'unverified' },
        verified: 0,
      };
      expect(cut).toMatchObject({ status: 'cancelled', resumable: true, details: { policies: [reported] } });
      expect(await scratchDatabases()).toEqual([]);
      await writeFile(mayGoOn, '');
      const resumed = (await scope.runs.resume(taskId)).taskId;
      await ended(resumed).not.toBeNull();
      expect(await scope.runs.get(resumed)).toMatchObject({
        status: 'completed',
        details: { policies: [{ outcome: 'done', backup: { id: taken?.id, state: 'verified' }, verified: 1 }] },
      });
      expect((await scope.backups.list({})).items).toMatchObject([{ id: taken?.id, state: 'verified' }]);
    });

    it('takes another when the one that the run before had taken did not stand the trial', async () => {
      const scope = scopeOf([
        { url: source.url, programs: { dump: await program('dump', 'pg_dump "$@" | head -c 2000') } },
      ]);
      const failed = await backUp(scope);
      const { taskId } = await scope.runs.resume(failed.taskId);
      await expect.poll(async () => (await scope.runs.get(taskId)).endTime, { timeout: 30_000 }).not.toBeNull();
      const ids = (await scope.backups.list({})).items.map(({ id }) => id);
      expect(ids).toHaveLength(2);
    });

    it('ends a program that hangs', async () => {
      const dump = await program('dump', 'trap "" TERM; echo begun; while :; do sleep 0.1; done');
      const scope = scopeOf([{ url: source.url, timeoutMs: 1_000, programs: { dump } }], {
        ...systemClock,
        after: (delayMs, fire) => systemClock.after(delayMs === 5_000 ? 100 : delayMs, fire),
      });
      expect(await backUp(scope)).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('timeout') });
      expect(await readdir(directory)).toEqual([]);
    });

    it('says when a program is missing, and when the server does not answer', async () => {
      const missing = scopeOf([{ url: source.url, programs: { dump: '/nonexistent/pg_dump' } }]);
      expect(await backUp(missing)).toMatchObject({ errorMessage: expect.stringContaining('program_missing') });
      const nowhere = scopeOf([{ url: 'postgres://u:secret-of-mine@127.0.0.1:1/x' }]);
      expect(await backUp(nowhere)).toMatchObject({ errorMessage: expect.stringContaining('unreachable') });
      expect(JSON.stringify(logged)).not.toContain('secret-of-mine');
    });

    it('takes a backup while only the server where it is tried out does not answer, and removes none', async () => {
      await backUp(scopeOf([{ url: source.url }], at('2026-11-20T03:00:00Z')));
      const scope = scopeOf([{ url: source.url, keep: { last: 1 }, scratchUrl: 'postgres://u:p@127.0.0.1:1/x' }]);
      const run = await backUp(scope);
      expect(run).toMatchObject({
        status: 'failed',
        errorMessage: 'There is no good new backup of main (not_verified).',
        details: { policies: [{ policy: 'main', fault: 'not_verified', verified: 1, broken: 0, removed: [] }] },
      });
      const { log } = await scope.runs.get(run.taskId);
      expect(log.map(({ message }) => message)).toContain(
        'main: leftovers of a run that did not end could not be looked for (unreachable)',
      );
      const { items } = await scope.backups.list({});
      expect(items.map(({ state }) => state)).toEqual(['unverified', 'verified']);
    });

    it('shows the password to the program alone, in a file that only this user can read', async () => {
      const spied = join(root, 'spied');
      const dump = await program(
        'dump',
        `{ echo "$@"; env; stat -c '%a %n' "$PGPASSFILE" "$(dirname "$PGPASSFILE")"; cat "$PGPASSFILE"; } > ${spied}; exit 1`,
      );
      const url = new URL(source.url);
      url.password = encodeURIComponent('pa:ss\\word $(id)');
      expect(await backUp(scopeOf([{ url: url.href, programs: { dump } }]))).toMatchObject({ status: 'failed' });
      const said = await readFile(spied, 'utf8');
      const [args = '', ...others] = said.split('\n');
      expect(args).toMatch(/^--format=custom --compress=0 --no-password --lock-wait-timeout=60s --snapshot=\S+$/);
      const entry = others.filter((line) => line.includes('ss\\\\word'));
      expect(entry).toEqual(['*:*:*:*:pa\\:ss\\\\word $(id)']);
      expect(others.find((line) => line.startsWith('600 '))).toMatch(/pgpass$/);
      expect(others.find((line) => line.startsWith('700 '))).toMatch(/dotmac-backup-/);
      const names = others.filter((line) => /^[A-Z_]+=/.test(line)).map((line) => line.split('=')[0]);
      expect(names.filter((name) => !/^(PG.*|PATH|LC_ALL|PWD|SHLVL|_|OLDPWD)$/.test(name ?? ''))).toEqual([]);
      const passFile = others.find((line) => line.startsWith('PGPASSFILE='))?.slice('PGPASSFILE='.length) ?? '';
      await expect(stat(passFile)).rejects.toThrow(/ENOENT/);
      expect(JSON.stringify(logged)).not.toContain('ss\\\\word');
    });

    it('removes the scratch database that a dead process left, and no other', async () => {
      const scope = scopeOf([{ url: source.url }]);
      const restore = await program('restore', 'exit 1');
      await backUp(scopeOf([{ url: source.url, programs: { restore } }]));
      // As the owner of this policy would call it.
      const own = `dotmac_scratch_${ownerOf({ name: 'main', url: source.url, directory })}_00000000`;
      await ask(`create database ${own}`);
      const others = `dotmac_scratch_${foreign()}`;
      await ask(`create database ${others}`);
      try {
        expect(await backUp(scope)).toMatchObject({ status: 'completed' });
        expect(await scratchDatabases()).toEqual([{ datname: others }]);
      } finally {
        await ask(`drop database ${others}`);
      }
    });
  },
);

describe.skipIf(!available.mysql || !available.mysqlClient)('with MariaDB (needs MariaDB: npm run services)', () => {
  it('logs in with any password, restores code, and lets no event run in a rehearsal', async () => {
    const source = await freshMysql();
    const { pathname } = new URL(source.url);
    const database = pathname.slice(1);
    const user = database.slice(-16);
    const password = `#a"b'c\\d e%;[x]=${'é'}`;
    const admin = await createConnection({ uri: source.url, multipleStatements: true });
    try {
      await admin.query(`create user ${user}@'%' identified by ${admin.escape(password)}`);
      await admin.query(`grant all on *.* to ${user}@'%'`);
      await admin.query(`
        create table t (id int primary key, twice int as (id * 2) stored, note text);
        insert into t (id, note) values (1, 'a;b'), (2, null);
        create trigger t_log before insert on t for each row begin set new.note = 'INSERT INTO \`t\` VALUES (1);
INSERT INTO \`t\` VALUES (2)'; end;
        create procedure p() begin
INSERT INTO \`t\` (id) VALUES (3);
        end;
        create event e on schedule every 1 second do delete from ${database}.t where id = 99;
        create view v as select id from t`);
      const url = new URL(source.url);
      url.username = user;
      url.password = encodeURIComponent(password);
      const scope = scopeOf([{ url: url.href, programs: mysqlPrograms }]);
      expect(await backUp(scope)).toMatchObject({ status: 'completed' });
      const [backup] = (await scope.backups.list({})).items;
      expect(backup).toMatchObject({ state: 'verified', tables: 1, rows: 2 });
      const other = await freshMysql();
      const target = new URL(url.href);
      target.pathname = new URL(other.url).pathname;
      await scope.backups.restore({ policy: 'main', id: backup?.id ?? '' }, target.href);
      const restored = await createConnection(other.url);
      const names = async (statement: string) =>
        ((await restored.query(statement))[0] as object[]).map((row) => Object.values(row)[0]);
      expect(await names('select note from t order by id')).toEqual(['a;b', null]);
      expect(await names('select event_name from information_schema.events where event_schema = database()')).toEqual([
        'e',
      ]);
      expect(
        await names('select routine_name from information_schema.routines where routine_schema = database()'),
      ).toEqual(['p']);
      expect(
        await names('select trigger_name from information_schema.triggers where trigger_schema = database()'),
      ).toEqual(['t_log']);
      await restored.end();
      await other.drop();
      url.password = 'wrong';
      expect(await backUp(scopeOf([{ url: url.href, programs: mysqlPrograms }]))).toMatchObject({
        errorMessage: expect.stringContaining('access_denied'),
      });
    } finally {
      await admin.query(`drop user if exists ${user}@'%'`);
      await admin.end();
      await source.drop();
    }
  });

  it.each([
    ['MariaDB', 'dump 11.8.3-MariaDB', [], []],
    ['MySQL', 'dump Ver 9.7.4', ['--set-gtid-purged=OFF'], ['ssl-mode=DISABLED', 'get-server-public-key']],
  ])('tells a program of %s what it knows, by what it says of itself', async (_, name, options, lines) => {
    const source = await freshMysql();
    try {
      const spied = join(root, 'spied');
      const dump = await program(name, `{ echo "$@"; cat "\${1#--defaults-file=}"; } > ${spied}; exit 1`);
      expect(await backUp(scopeOf([{ url: source.url, programs: { dump } }]))).toMatchObject({ status: 'failed' });
      const [args = '', ...file] = (await readFile(spied, 'utf8')).split('\n');
      expect(args.split(' ').filter((it) => it.includes('gtid'))).toEqual(options);
      expect(file.filter((line) => /^(ssl|get-server)/.test(line))).toEqual(lines);
    } finally {
      await source.drop();
    }
  });
});
