import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { backupIdPattern } from './schemas.js';

/** What stands beside every backup, as JSON. Instants are epoch ms. */
export const manifest = z.object({
  version: z.literal(1),
  policy: z.string(),
  kind: z.enum(['sqlite', 'postgres', 'mysql']),
  /** The name of the file that it is about, in the same directory. */
  file: z.string(),
  compression: z.enum(['gzip', 'zstd', 'none']),
  takenAt: z.int(),
  durationMs: z.number(),
  /** Of the file. */
  bytes: z.int(),
  /** Of the file, in hex: `sha256sum` says the same. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Before compression. */
  contentBytes: z.int(),
  /** What made it, with its version. */
  tool: z.string(),
  /** All tables as of the dump's snapshot; null: the rows were not counted. */
  tables: z.array(z.object({ name: z.string(), rows: z.int().nullable() })),
  state: z.enum(['unverified', 'verified', 'broken']),
  /** When it was last restored and compared, with success. */
  verifiedAt: z.int().nullable(),
  /** Why the last verification did not succeed: a code. */
  fault: z.string().nullable(),
});

/** @see manifest */
export type Manifest = z.output<typeof manifest>;

/** A backup: its manifest, under an id that sorts by the time it was taken at. */
export interface Backup extends Manifest {
  id: string;
}

/** A fresh id for a backup taken at that instant. */
export function backupId(takenAt: number): string {
  const [date = ''] = new Date(takenAt).toISOString().replace(/[-:.]/g, '').split('Z');
  return `${date}Z-${randomBytes(4).toString('hex')}`;
}

/** What the names of a backup's files begin with. */
export const stemOf = (policy: string, id: string): string => `${policy}-${id}`;

/** What a name in a backup directory is: of which backup, and what of it. Null when it is none of that policy's. */
export function readName(policy: string, name: string): { id: string; part: 'manifest' | 'partial' | 'dump' } | null {
  if (!name.startsWith(`${policy}-`)) return null;
  const rest = name.slice(policy.length + 1);
  const dot = rest.indexOf('.');
  const id = dot < 0 ? rest : rest.slice(0, dot);
  if (!backupIdPattern.test(id)) return null;
  if (/\.partial(-[a-z]+)?$/.test(name)) return { id, part: 'partial' };
  return { id, part: rest.slice(dot) === '.json' ? 'manifest' : 'dump' };
}
