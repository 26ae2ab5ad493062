import type { Finding } from './finding.js';
import { grantsNamed, isAnswer, isDenial } from './refused.js';

/** One look at a database. */
export type Look = (what: string, look: () => Promise<Finding[]>) => Promise<Finding[]>;

/**
 * Looks of which none that the database refuses keeps the others back: what it refused is noted, with what its user lacks.
 * Rejects when the way to the database failed.
 */
export function asFarAsAllowed(notes: string[]): Look {
  return (what, look) =>
    look().catch((error: unknown) => {
      if (!isAnswer(error)) throw error;
      notes.push(`${unread(what, error)}.`);
      return [];
    });
}

/** Why something could not be read, for people. */
export function unread(what: string, error: unknown): string {
  const { code } = error as { code: string };
  if (!isDenial(error)) return `${what} could not be read (${code})`;
  const grants = grantsNamed(error, what);
  return `${what} may not be read by this user${grants.length === 0 ? '' : ` (missing: ${grants.join('; ')})`}`;
}
