import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMaintenance, memoryMaintenanceStore, type UpdatePolicy } from '../../src/index.js';
import { apt, parseSimulation } from '../../src/updates/apt.js';
import { parsePolicies, securitySources } from '../../src/updates/apt-policy.js';
import { treeOf } from '../support/tree.js';

describe('what apt-get would do', () => {
  it('is read line by line, security told from the rest by its origin', () => {
    const output = `Reading package lists...
The following packages have been kept back:
  linux-image-amd64
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst libgcrypt20 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Inst openssl [3.0.2-0ubuntu1.10] (3.0.2-0ubuntu1.18 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64]) [libssl3:amd64 ]
Inst new-one (1.0 Debian:12.15/oldstable [all])
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])`;
    expect(
      parseSimulation(output).map(({ name, current, available, isSecurity }) => [name, current, available, isSecurity]),
    ).toEqual([
      ['base-files', '12.4+deb12u11', '12.4+deb12u15', false],
      ['libgcrypt20', '1.10.1-3', '1.10.1-3+deb12u1', true],
      ['openssl', '3.0.2-0ubuntu1.10', '3.0.2-0ubuntu1.18', true],
    ]);
  });
});

describe('what apt-cache policy tells', () => {
  const sources = securitySources(`Package files:
 100 /var/lib/dpkg/status
     release a=now
 990 http://mirror.example/one bookworm-security/main amd64 Packages
     release v=12,o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
     origin mirror.example
 500 http://security.example/debian bookworm/main amd64 Packages
     release v=12.15,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main,b=amd64
     origin security.example
Pinned packages:
     openssl -> 3.0.2 with priority 1001`);
  const table = (lines: string): string => `openssl:\n  Installed: 1.1\n  Candidate: 1.3\n  Version table:\n${lines}`;
  const security = '        990 http://mirror.example/one bookworm-security/main amd64 Packages\n';
  const ordinary = '        500 http://security.example/debian bookworm/main amd64 Packages\n';
  const own = ' *** 1.1 100\n        100 /var/lib/dpkg/status\n';

  it('is which of its archives are of security, by what they say of themselves and not by where they are', () => {
    expect([...sources]).toEqual(['http://mirror.example/one bookworm-security/main amd64 Packages']);
  });

  it.each<[what: string, lines: string, version: string | null]>([
    ['is in the update itself', `     1.3 990\n${security}${own}`, '1.3'],
    ['is in an older one that the update takes in', `     1.3 500\n${ordinary}     1.2 990\n${security}${own}`, '1.2'],
    ['comes to a part of the machines at first', `     1.3 500 (phased 10%)\n${security}${own}`, '1.3'],
    ['is installed', `     1.3 500\n${ordinary} *** 1.1 990\n${security}        100 /var/lib/dpkg/status\n`, null],
    ['is older than what is installed', `     1.3 500\n${ordinary}${own}     1.0 990\n${security}`, null],
    ['is newer than the update', `     1.4 -1\n${security}     1.3 500\n${ordinary}${own}`, null],
  ])('is the newest version of security in an update, where it %s', (_, lines, version) => {
    const policies = parsePolicies(`${table(lines)}other:\n  Installed: 2\n  Candidate: 2\n`, sources);
    expect([...policies]).toEqual([
      ['openssl', { installed: '1.1', security: version }],
      ['other', { installed: '2', security: null }],
    ]);
  });
});

const present = ['apt-get', 'dpkg-deb'].every((program) => spawnSync(program, ['--version']).status === 0);

describe.skipIf(!present || process.getuid?.() !== 0)('apt, in a root of its own (needs Debian, as root)', () => {
  let root: string;
  let options: string[];
  const { signal } = new AbortController();

  const build = async (archive: string, name: string, version: string, extra = '', script = ''): Promise<string> => {
    const folder = join(root, 'build', `${name}_${version}`);
    await mkdir(join(folder, 'DEBIAN'), { recursive: true });
    await mkdir(join(folder, 'opt'), { recursive: true });
    await writeFile(join(folder, 'opt', name), version);
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: t\n${extra}`;
    await writeFile(join(folder, 'DEBIAN', 'control'), control);
    if (script !== '') await writeFile(join(folder, 'DEBIAN', 'preinst'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const file = join(root, archive, `${name}_${version}.deb`);
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', folder, file], { stdio: 'ignore' });
    return file;
  };
  const publish = async (archive: string, origin: string, suite: string, files: string[]): Promise<void> => {
    const stanzas = await Promise.all(
      files.map(async (file) => {
        const content = await readFile(file);
        const control = execFileSync('dpkg-deb', ['--field', file], { encoding: 'utf8' });
        const hash = createHash('sha256').update(content).digest('hex');
        return `${control}Filename: ./${file.split('/').at(-1)}\nSize: ${content.length}\nSHA256: ${hash}\n\n`;
      }),
    );
    const packages = stanzas.join('');
    await writeFile(join(root, archive, 'Packages'), packages);
    const sum = createHash('sha256').update(packages).digest('hex');
    await writeFile(
      join(root, archive, 'Release'),
      `Origin: ${origin}\nLabel: ${origin}\nSuite: ${suite}\nVersion: 12\nCodename: t\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n ${sum} ${packages.length} Packages\n`,
    );
  };
  const installed = () =>
    execFileSync('dpkg-query', [`--admindir=${join(root, 'dpkg')}`, '-W', '-f', '${Package} ${Version}\n'], {
      encoding: 'utf8',
    });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dotmac-apt-'));
    const folders = [
      'main',
      'security',
      'inst',
      'state/lists/partial',
      'cache/archives/partial',
      'dpkg/info',
      'dpkg/updates',
      'dpkg/triggers',
    ];
    for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, 'dpkg', 'status'), '');
    await writeFile(
      join(root, 'sources.list'),
      ['main', 'security'].map((it) => `deb [trusted=yes] file:${join(root, it)} ./\n`).join(''),
    );
    options = [
      `Dir::Etc::sourcelist=${root}/sources.list`,
      'Dir::Etc::sourceparts=-',
      `Dir::State=${root}/state`,
      `Dir::State::status=${root}/dpkg/status`,
      `Dir::Cache=${root}/cache`,
      `DPkg::Options::=--admindir=${root}/dpkg`,
      `DPkg::Options::=--instdir=${root}/inst`,
      'APT::Sandbox::User=root',
      `Dir::Log=${root}`,
    ].flatMap((option) => ['-o', option]);
    const old = [
      await build('main', 'faulty', '1.0'),
      await build('main', 'plain', '1.0'),
      await build('main', 'greedy', '1.0'),
    ];
    await publish('main', 'Debian', 'stable', [...old, await build('main', 'plain', '1.1')]);
    await publish('security', 'Debian-Security', 'stable-security', [await build('security', 'faulty', '1.0+deb12u1')]);
    execFileSync(
      'dpkg',
      ['--admindir', join(root, 'dpkg'), '--instdir', join(root, 'inst'), '--log', join(root, 'log'), '-i', ...old],
      { stdio: 'ignore' },
    );
  });
  afterEach(() => rm(root, { recursive: true }));

  it('reports what is pending and changes nothing; then applies what is of security, and nothing else', async () => {
    const manager = apt({ options, refresh: true });
    const before = installed();
    const { updates, knownAt, restartRequired } = await manager.pending(signal);
    expect(updates).toMatchObject([
      { name: 'faulty', current: '1.0', available: '1.0+deb12u1', isSecurity: true },
      { name: 'plain', current: '1.0', available: '1.1', isSecurity: false },
    ]);
    expect(knownAt).toBeGreaterThan(Date.now() - 60_000);
    expect(restartRequired).toBe(false);
    expect(installed()).toBe(before);
    execFileSync('apt-mark', [...options, 'auto', 'faulty'], { stdio: 'ignore' });
    expect(await manager.applySecurity(updates)).toEqual({ applied: ['faulty'], refused: null, left: 0 });
    expect(installed()).toBe('faulty 1.0+deb12u1\ngreedy 1.0\nplain 1.0\n');
    expect(await readFile(join(root, 'inst', 'opt', 'faulty'), 'utf8')).toBe('1.0+deb12u1');
    expect(execFileSync('apt-mark', [...options, 'showauto'], { encoding: 'utf8' })).toBe('faulty\n');
    expect((await manager.pending(signal)).updates.map(({ name }) => name)).toEqual(['plain']);
  });

  it('finds an update of security behind a newer one that is not of it, and applies that one', async () => {
    await publish('main', 'Debian', 'stable', [
      await build('main', 'faulty', '1.1'),
      await build('main', 'plain', '1.1'),
    ]);
    await publish('security', 'Debian-Security', 'stable-security', [
      await build('security', 'faulty', '1.0+deb12u1'),
      await build('security', 'plain', '0.9'),
    ]);
    const manager = apt({ options, refresh: true });
    const { updates } = await manager.pending(signal);
    expect(updates).toMatchObject([
      { name: 'faulty', available: '1.1', isSecurity: true, note: 'Debian:12/stable, with 1.0+deb12u1 of security' },
      { name: 'plain', available: '1.1', isSecurity: false, note: 'Debian:12/stable' },
    ]);
    expect(await manager.applySecurity(updates)).toEqual({ applied: ['faulty'], refused: null, left: 0 });
    expect(installed()).toBe('faulty 1.1\ngreedy 1.0\nplain 1.0\n');
  });

  it('removes nothing in order to update', async () => {
    await publish('security', 'Debian-Security', 'stable-security', [
      await build('security', 'faulty', '1.0+deb12u2', 'Conflicts: greedy\n'),
    ]);
    const manager = apt({ options, refresh: true });
    const before = installed();
    const { updates } = await manager.pending(signal);
    const [held] = updates.filter(({ name }) => name === 'faulty');
    expect(held).toMatchObject({ available: '1.0+deb12u2', isSecurity: true, isHeldBack: true });
    expect(await manager.applySecurity(updates)).toEqual({ applied: [], refused: null, left: 0 });
    await expect(manager.applySecurity([{ ...held!, isHeldBack: false }])).rejects.toMatchObject({
      name: 'PackageManagerError',
      message: expect.stringContaining('remove'),
    });
    expect(installed()).toBe(before);
  });

  it('changes nothing on the disk for a plan, which says how old the lists are', async () => {
    const updates: UpdatePolicy[] = [{ name: 'system', manager: 'apt', options, refresh: true }];
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), updates }).scope({ tenantId: 'acme' });
    const plan = () => runs.run('security_updates', { dryRun: true });
    const seen = async (wanted: string): Promise<void> => {
      const before = await treeOf(Buffer.from(root));
      expect((await plan()).details).toMatchObject({
        plan: { warnings: expect.arrayContaining([expect.stringMatching(wanted)]) },
      });
      expect(await treeOf(Buffer.from(root))).toEqual(before);
    };
    await seen('system: the archives are not asked for a plan. They last were at ');
    expect(await runs.run('security_updates', {})).toMatchObject({ details: { policies: [{ pending_security: 1 }] } });
    await publish('security', 'Debian-Security', 'stable-security', [
      await build('security', 'faulty', '1.0+deb12u2'),
      await build('security', 'plain', '1.0+deb12u1'),
    ]);
    await seen('system: 1 updates of security are pending.');
    expect(await runs.run('security_updates', {})).toMatchObject({ details: { policies: [{ pending_security: 2 }] } });
    await seen('system: 2 updates of security are pending.');
  }, 60_000);

  it('applies as many as it may at most, and what belongs together together or not at all', async () => {
    await publish('security', 'Debian-Security', 'stable-security', [
      await build('security', 'faulty', '1.1', 'Depends: greedy (= 1.1)\n'),
      await build('security', 'greedy', '1.1', 'Breaks: faulty (<< 1.1)\n'),
      await build('security', 'plain', '1.2'),
    ]);
    const manager = apt({ options, refresh: true });
    const { updates } = await manager.pending(signal);
    expect(updates.map(({ name, isSecurity }) => [name, isSecurity])).toEqual([
      ['faulty', true],
      ['greedy', true],
      ['plain', true],
    ]);
    expect(await manager.applySecurity(updates, 1)).toEqual({
      applied: ['plain'],
      refused: null,
      left: 2,
      installed: 1,
    });
    expect(installed()).toBe('faulty 1.0\ngreedy 1.0\nplain 1.2\n');
    const rest = (await manager.pending(signal)).updates;
    expect(await manager.applySecurity(rest, 1)).toEqual({ applied: [], refused: null, left: 2 });
    expect(installed()).toBe('faulty 1.0\ngreedy 1.0\nplain 1.2\n');
    expect(await manager.applySecurity(rest, 2)).toEqual({
      ...{ applied: ['faulty', 'greedy'], refused: null, left: 0, installed: 2 },
    });
    expect(installed()).toBe('faulty 1.1\ngreedy 1.1\nplain 1.2\n');
  }, 60_000);

  it('counts what comes new with an update against what it may apply', async () => {
    await publish('security', 'Debian-Security', 'stable-security', [
      await build('security', 'faulty', '1.1', 'Depends: fresh\n'),
      await build('security', 'fresh', '1.0'),
    ]);
    const manager = apt({ options, refresh: true });
    const updates = (await manager.pending(signal)).updates
      .filter(({ isSecurity }) => isSecurity)
      .map((update) => ({ ...update, isHeldBack: false }));
    expect(await manager.applySecurity(updates, 1)).toEqual({ applied: [], refused: null, left: 1 });
    expect(installed()).toBe('faulty 1.0\ngreedy 1.0\nplain 1.0\n');
    const applied = { applied: ['faulty'], refused: null, left: 0, installed: 2 };
    expect(await manager.applySecurity(updates, 2)).toEqual(applied);
    expect(installed()).toBe('faulty 1.1\nfresh 1.0\ngreedy 1.0\nplain 1.0\n');
  }, 60_000);

  it('is ended while it chooses what to apply, and has begun nothing', async () => {
    const manager = apt({ options, refresh: true });
    const { updates } = await manager.pending(signal);
    const ending = AbortSignal.abort(new Error('enough'));
    await expect(manager.applySecurity(updates, 1, ending)).rejects.toThrow('enough');
    await expect(manager.applySecurity(updates, Infinity, ending)).rejects.toThrow('enough');
    expect(installed()).toBe('faulty 1.0\ngreedy 1.0\nplain 1.0\n');
  }, 60_000);

  it('says what failed, and what was applied all the same', async () => {
    await publish('security', 'Debian-Security', 'stable-security', [
      await build('security', 'faulty', '1.1'),
      await build('security', 'plain', '1.2', '', 'exit 1'),
    ]);
    const updates: UpdatePolicy[] = [{ name: 'system', manager: 'apt', options, refresh: true, apply: 'security' }];
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), updates }).scope({ tenantId: 'acme' });
    expect(await runs.run('security_updates', { apply: true })).toMatchObject({
      ...{ status: 'failed', errorMessage: expect.stringContaining('could not all be updated'), itemsCleaned: 1 },
      details: { policies: [{ policy: 'system', outcome: 'failed', pending: 2, applied: ['faulty'] }] },
    });
  }, 60_000);

  it('lets an update that has begun come to its end when the run is cancelled, and says what was applied', async () => {
    const at = (name: string): string => join(root, name);
    const script = `touch ${at('begun')}; while [ ! -e ${at('go')} ]; do sleep 0.1; done`;
    await publish('security', 'Debian-Security', 'stable-security', [await build('security', 'faulty', '1.1')]);
    const waiting = [...options, '-o', `DPkg::Pre-Invoke::=${script}`];
    const updates: UpdatePolicy[] = [
      { name: 'system', manager: 'apt', options: waiting, refresh: true, apply: 'security' },
    ];
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), updates }).scope({ tenantId: 'acme' });
    const { taskId } = await runs.beginRun('security_updates', { apply: true });
    await expect.poll(() => existsSync(at('begun')), { timeout: 30_000 }).toBe(true);
    await runs.cancel(taskId);
    expect((await runs.get(taskId)).status).toBe('running');
    await writeFile(at('go'), '');
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 30_000 }).toBe('cancelled');
    expect(await runs.get(taskId)).toMatchObject({ itemsCleaned: 1, details: { policies: [{ applied: ['faulty'] }] } });
    expect(installed()).toBe('faulty 1.1\ngreedy 1.0\nplain 1.0\n');
  }, 60_000);

  it('says in words of its own what went wrong, without a path', async () => {
    await rm(join(root, 'main'), { recursive: true });
    const failing = apt({ options, refresh: true }).pending(signal);
    await expect(failing).rejects.toMatchObject({ name: 'PackageManagerError' });
    await failing.catch((error: Error) => expect(error.message).not.toContain(root));
  });

  it('ends when nobody waits any more', async () => {
    const controller = new AbortController();
    const pending = apt({ options, refresh: true }).pending(controller.signal);
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });
});
