import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { npm } from '../../src/updates/npm.js';
import { startNpmProject, type NpmProject } from '../support/npm-project.js';

describe('npm', () => {
  let root: string;
  let project: NpmProject | undefined;
  const { signal } = new AbortController();

  beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'dotmac-npm-'))));
  afterEach(async () => {
    await project?.stop();
    await rm(root, { recursive: true });
  });

  it('reports what is faulty and what is old, changes nothing, and mends what can be mended in range', async () => {
    project = await startNpmProject(root, {
      versions: { faulty: ['1.0.0', '1.0.1'], stuck: ['1.0.0', '2.0.0'], old: ['1.0.0', '1.2.0'] },
      faulty: {
        faulty: { severity: 'high', versions: '<1.0.1' },
        stuck: { severity: 'critical', versions: '<2.0.0' },
      },
    });
    const { directory, versionOf } = project;
    const lock = join(directory, 'package-lock.json');
    const before = await readFile(lock, 'utf8');
    const { updates } = await npm({ directory }).pending(signal);
    expect(updates).toMatchObject([
      { name: 'faulty', isSecurity: true, isHeldBack: false, severity: 'high', note: 'faulty is faulty' },
      { name: 'stuck', isSecurity: true, isHeldBack: true, severity: 'critical', available: '2.0.0' },
      { name: 'old', isSecurity: false, current: '1.0.0', available: '1.2.0' },
    ]);
    expect(await readFile(lock, 'utf8')).toBe(before);
    expect(await npm({ directory }).applySecurity(updates)).toEqual({
      applied: ['faulty'],
      left: 0,
      refused: 'no version in the range that the project asks for mends stuck',
    });
    expect(await Promise.all(['faulty', 'stuck', 'old'].map(versionOf))).toEqual(['1.0.1', '1.0.0', '1.0.0']);
  }, 120_000);

  it('mends what runs without its packages for development as it is, and neither reports nor installs those', async () => {
    project = await startNpmProject(root, {
      versions: { faulty: ['1.0.0', '1.0.1'], tool: ['1.0.0', '1.0.1'] },
      development: ['tool'],
      faulty: {
        faulty: { severity: 'high', versions: '<1.0.1' },
        tool: { severity: 'critical', versions: '<1.0.1' },
      },
    });
    const { directory, versionOf } = project;
    const { updates } = await npm({ directory }).pending(signal);
    expect(updates.map(({ name }) => name)).toEqual(['faulty']);
    expect(await npm({ directory }).applySecurity(updates)).toEqual({ applied: ['faulty'], refused: null, left: 0 });
    expect(await versionOf('faulty')).toBe('1.0.1');
    await expect(versionOf('tool')).rejects.toMatchObject({ code: 'ENOENT' });
    const all = npm({ directory, options: ['--include=dev'] });
    expect((await all.pending(signal)).updates.map(({ name }) => name)).toEqual(['tool']);
  }, 120_000);

  it('takes what was not installed at all for no project that runs without its packages for development', async () => {
    project = await startNpmProject(root, {
      versions: { faulty: ['1.0.0', '1.0.1'], tool: ['1.0.0', '1.0.1'] },
      development: ['tool'],
      faulty: {
        faulty: { severity: 'high', versions: '<1.0.1' },
        tool: { severity: 'critical', versions: '<1.0.1' },
      },
    });
    const { directory } = project;
    await rm(join(directory, 'node_modules'), { recursive: true });
    const { updates } = await npm({ directory }).pending(signal);
    expect(updates.map(({ name }) => name).sort()).toEqual(['faulty', 'tool']);
  }, 120_000);

  it('says by a code why it could not mend what can be mended', async () => {
    project = await startNpmProject(root, {
      versions: { faulty: ['1.0.0', '1.0.1'] },
      withheld: ['faulty'],
      faulty: { faulty: { severity: 'high', versions: '<1.0.1' } },
    });
    const { directory, versionOf } = project;
    const { updates } = await npm({ directory }).pending(signal);
    await expect(npm({ directory }).applySecurity(updates)).rejects.toMatchObject({
      name: 'PackageManagerError',
      message: 'npm failed with E404',
    });
    expect(await versionOf('faulty')).toBe('1.0.0');
  }, 120_000);

  it('says why it does not know, by a code', async () => {
    await mkdir(join(root, 'bare'));
    await writeFile(join(root, 'bare', 'package.json'), '{}');
    await expect(npm({ directory: join(root, 'bare') }).pending(signal)).rejects.toMatchObject({
      name: 'PackageManagerError',
      message: expect.stringContaining('no lock file'),
    });
    await expect(npm({ directory: join(root, 'absent') }).pending(signal)).rejects.toMatchObject({
      name: 'PackageManagerError',
    });
  }, 60_000);
});
