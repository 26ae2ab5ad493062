import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { npm } from '../../src/updates/npm.js';

/** A registry with a few packages, and advisories on them. */
async function startRegistry(root: string, versions: Record<string, string[]>, advisories: object): Promise<Server> {
  const tarballs = new Map<string, Buffer>();
  for (const [name, all] of Object.entries(versions))
    for (const version of all) {
      const folder = join(root, `${name}-${version}`, 'package');
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version }));
      const content = execFileSync('tar', ['-cz', '-C', join(folder, '..'), 'package']);
      tarballs.set(`/${name}/-/${name}-${version}.tgz`, content);
    }
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const url = request.url ?? '';
    const tarball = tarballs.get(url);
    if (tarball) return response.end(tarball);
    response.setHeader('content-type', 'application/json');
    if (url.includes('/security/advisories/bulk')) return response.end(JSON.stringify(advisories));
    const name = decodeURIComponent(url.slice(1));
    const all = versions[name];
    if (!all) return response.writeHead(404).end('{}');
    const entry = (version: string) => ({
      name,
      version,
      dist: { tarball: `http://127.0.0.1:${port}/${name}/-/${name}-${version}.tgz` },
    });
    response.end(
      JSON.stringify({
        name,
        'dist-tags': { latest: all.at(-1) },
        versions: Object.fromEntries(all.map((version) => [version, entry(version)])),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('npm', () => {
  let root: string;
  let project: string;
  let registry: Server | undefined;
  const { signal } = new AbortController();
  const advisory = (name: string, severity: string, vulnerable: string) => ({
    [name]: [
      {
        id: 1,
        url: 'https://example.com/1',
        title: `${name} is faulty`,
        severity,
        vulnerable_versions: vulnerable,
        cwe: [],
        cvss: { score: 7, vectorString: null },
      },
    ],
  });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dotmac-npm-'));
    project = join(root, 'project');
    await mkdir(project);
  });
  afterEach(async () => {
    registry?.close();
    registry?.closeAllConnections();
    await rm(root, { recursive: true });
  });
  const serve = async (versions: Record<string, string[]>, advisories: object, dependencies: object) => {
    registry = await startRegistry(root, versions, advisories);
    const { port } = registry.address() as AddressInfo;
    await writeFile(join(project, '.npmrc'), `registry=http://127.0.0.1:${port}/\ncache=${join(root, 'cache')}\n`);
    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', dependencies }));
    const packages = Object.fromEntries(
      Object.keys(dependencies).map((name) => [
        `node_modules/${name}`,
        { version: '1.0.0', resolved: `http://127.0.0.1:${port}/${name}/-/${name}-1.0.0.tgz` },
      ]),
    );
    const lock = {
      name: 'project',
      version: '1.0.0',
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name: 'project', version: '1.0.0', dependencies }, ...packages },
    };
    await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock));
    for (const name of Object.keys(dependencies)) {
      await mkdir(join(project, 'node_modules', name), { recursive: true });
      await writeFile(join(project, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    }
  };
  const versionOf = async (name: string) =>
    (JSON.parse(await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8')) as { version: string })
      .version;

  it('reports what is faulty and what is old, changes nothing, and mends what can be mended in range', async () => {
    await serve(
      { faulty: ['1.0.0', '1.0.1'], stuck: ['1.0.0', '2.0.0'], old: ['1.0.0', '1.2.0'] },
      { ...advisory('faulty', 'high', '<1.0.1'), ...advisory('stuck', 'critical', '<2.0.0') },
      { faulty: '^1.0.0', stuck: '^1.0.0', old: '^1.0.0' },
    );
    const before = await readFile(join(project, 'package-lock.json'), 'utf8');
    const { updates } = await npm({ directory: project }).pending(signal);
    expect(updates).toMatchObject([
      { name: 'faulty', isSecurity: true, severity: 'high', note: 'faulty is faulty' },
      {
        name: 'stuck',
        isSecurity: true,
        severity: 'critical',
        available: '2.0.0',
        note: expect.stringContaining('new major'),
      },
      { name: 'old', isSecurity: false, current: '1.0.0', available: '1.2.0' },
    ]);
    expect(await readFile(join(project, 'package-lock.json'), 'utf8')).toBe(before);
    expect(await npm({ directory: project }).applySecurity(updates)).toEqual({
      applied: ['faulty'],
      refused: 'no version in the range that the project asks for mends stuck',
    });
    expect([await versionOf('faulty'), await versionOf('stuck'), await versionOf('old')]).toEqual([
      '1.0.1',
      '1.0.0',
      '1.0.0',
    ]);
  }, 120_000);

  it('says why it does not know, by a code', async () => {
    await writeFile(join(project, 'package.json'), '{}');
    await expect(npm({ directory: project }).pending(signal)).rejects.toMatchObject({
      name: 'PackageManagerError',
      message: expect.stringContaining('no lock file'),
    });
    await expect(npm({ directory: join(root, 'absent') }).pending(signal)).rejects.toMatchObject({
      name: 'PackageManagerError',
    });
  }, 60_000);
});
