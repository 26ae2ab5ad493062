import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Reads a file of this package's `assets/swagger-ui`, made by `npm run build` from swagger-ui-dist. */
export async function readAsset(name: 'swagger-ui-bundle.js' | 'swagger-ui.css'): Promise<Uint8Array> {
  const root = dirname(createRequire(import.meta.url).resolve('@dotmac/core/package.json'));
  return readFile(join(root, 'assets', 'swagger-ui', name));
}
