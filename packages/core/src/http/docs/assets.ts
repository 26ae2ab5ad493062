import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A file of Swagger UI. */
export type Asset = 'swagger-ui-bundle.js' | 'swagger-ui.css';

const read = new Map<Asset, Promise<Buffer>>();

/** A file of this package's `assets/swagger-ui`, made by `npm run build` from swagger-ui-dist; read once and shared. */
export function readAsset(name: Asset): Promise<Buffer> {
  const root = dirname(createRequire(import.meta.url).resolve('@dotmac/core/package.json'));
  const reading = read.get(name) ?? readFile(join(root, 'assets', 'swagger-ui', name));
  read.set(name, reading);
  reading.catch(() => read.delete(name));
  return reading;
}
