import { createHash } from 'node:crypto';

/** What makes a username or an email unique: the same for every case and composition, and of a fixed length. */
export function nameKey(name: string): string {
  return createHash('sha256').update(name.normalize('NFKC').toLowerCase()).digest('hex');
}
