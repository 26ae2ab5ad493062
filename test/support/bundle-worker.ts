import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

/** A script of a test's own, bundled from the sources, to run in a process that can be killed. */
export async function bundleWorker(source: URL): Promise<{ path: string; folder: string; remove(): void }> {
  // Below node_modules, so that the bundle finds what it does not contain.
  const folder = resolve(import.meta.dirname, `../../node_modules/.cache/dotmac-worker-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  await build({
    entry: { worker: fileURLToPath(source) },
    outDir: folder,
    format: 'esm',
    target: 'node20',
    outExtension: () => ({ js: '.mjs' }),
    // Of hundreds of files each: to read them one by one takes more of a worker's start than everything else.
    noExternal: [/^@dotmac\//, 'kysely', 'zod'],
    skipNodeModulesBundle: true,
    esbuildOptions: (options) => void (options.conditions = ['@dotmac/source']),
    config: false,
    silent: true,
  });
  return {
    path: join(folder, 'worker.mjs'),
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
