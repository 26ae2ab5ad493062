import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A project that depends on version 1.0.0 of packages of a registry of its own. */
export interface NpmProject {
  directory: string;
  /** What is installed. */
  versionOf(name: string): Promise<string>;
  /** Its registry was asked for what is to be installed. */
  readonly isAskedForPackages: boolean;
  stop(): Promise<void>;
}

/** What its registry has. */
export interface NpmRegistry {
  /** Oldest first. */
  versions: Record<string, string[]>;
  /** Advisories. */
  faulty: Record<string, { severity: string; versions: string }>;
  /** Packages for development: they are locked, and not installed. */
  development?: string[];
  /** Packages of which it gives nothing away. */
  withheld?: string[];
  /** It gives no package away before. */
  opens?: Promise<void>;
}

/** Makes the project in `root`, and serves its registry on this machine. */
export async function startNpmProject(root: string, registry: NpmRegistry): Promise<NpmProject> {
  const { versions, faulty, development = [], withheld = [], opens } = registry;
  const tarballs = new Map<string, Buffer>();
  for (const [name, all] of Object.entries(versions))
    for (const version of all) {
      const folder = join(root, 'packed', `${name}-${version}`, 'package');
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version }));
      tarballs.set(
        `/${name}/-/${name}-${version}.tgz`,
        execFileSync('tar', ['-cz', '-C', join(folder, '..'), 'package']),
      );
    }
  const advisories = Object.fromEntries(
    Object.entries(faulty).map(([name, { severity, versions: vulnerable_versions }]) => [
      name,
      [
        {
          id: 1,
          url: 'https://example.com/1',
          title: `${name} is faulty`,
          severity,
          vulnerable_versions,
          cwe: [],
          cvss: { score: 7, vectorString: null },
        },
      ],
    ]),
  );
  let isAskedForPackages = false;
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const url = request.url ?? '';
    const tarball = tarballs.get(url);
    isAskedForPackages ||= tarball !== undefined;
    if (tarball && !withheld.some((name) => url.startsWith(`/${name}/`)))
      return void (opens ?? Promise.resolve()).then(() => response.end(tarball));
    response.setHeader('content-type', 'application/json');
    if (url.includes('/security/advisories/bulk')) return response.end(JSON.stringify(advisories));
    const name = decodeURIComponent(url.slice(1));
    const all = versions[name];
    if (!all) return response.writeHead(404).end('{}');
    const entries = all.map((version) => {
      const dist = { tarball: `http://127.0.0.1:${port}/${name}/-/${name}-${version}.tgz` };
      return [version, { name, version, dist }];
    });
    response.end(JSON.stringify({ name, 'dist-tags': { latest: all.at(-1) }, versions: Object.fromEntries(entries) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const directory = join(root, 'project');
  const names = Object.keys(versions);
  const asked = (some: string[]) => Object.fromEntries(some.map((name) => [name, '^1.0.0']));
  const deployed = names.filter((name) => !development.includes(name));
  const manifest = {
    name: 'project',
    version: '1.0.0',
    dependencies: asked(deployed),
    devDependencies: asked(development),
  };
  const locked = names.map((name) => {
    const resolved = `http://127.0.0.1:${port}/${name}/-/${name}-1.0.0.tgz`;
    return [`node_modules/${name}`, { version: '1.0.0', resolved, dev: development.includes(name) || undefined }];
  });
  const packages = { '': manifest, ...Object.fromEntries(locked) };
  await mkdir(directory);
  await writeFile(join(directory, '.npmrc'), `registry=http://127.0.0.1:${port}/\ncache=${join(root, 'cache')}\n`);
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  const lock = { name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages };
  await writeFile(join(directory, 'package-lock.json'), JSON.stringify(lock));
  for (const name of deployed) {
    await mkdir(join(directory, 'node_modules', name), { recursive: true });
    await writeFile(join(directory, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
  }
  return {
    directory,
    get isAskedForPackages() {
      return isAskedForPackages;
    },
    async versionOf(name) {
      const content = await readFile(join(directory, 'node_modules', name, 'package.json'), 'utf8');
      return (JSON.parse(content) as { version: string }).version;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
