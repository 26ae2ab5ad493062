/** `16.9` of `16.9 (Debian 16.9-1.pgdg120+1)`, `10.11.6` of `10.11.6-MariaDB-0+deb12u1`. */
const version = /^\d{1,4}(?:\.\d{1,4}){0,3}(?![\d.])/;

/** A server's version, its numbers alone; null when it begins with none. Whoever answers there may be rogue: no word of theirs is shown. */
export function shownVersion(said: unknown): string | null {
  return (typeof said === 'string' && version.exec(said)?.[0]) || null;
}

/** What Redis calls the parts that a server can play (ROLE); null for anything else. */
export function shownRole(said: unknown): string | null {
  return ['master', 'slave', 'sentinel'].find((role) => role === said) ?? null;
}
