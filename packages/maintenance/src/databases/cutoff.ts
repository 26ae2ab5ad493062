/** An instant as `2026-01-31T12:00:00`, in UTC, whole seconds. */
export function isoSecond(epochMs: number): string {
  return new Date(Math.floor(epochMs / 1_000) * 1_000).toISOString().slice(0, 19);
}

/**
 * The bound of an ISO text column. Cut to the second and without a zone, it sorts before every text of its own second,
 * whatever fraction follows there, so `<` holds for earlier seconds alone. {@link isoShape} keeps all else out.
 */
export const isoBound = isoSecond;

/** For `like`: texts in UTC of the form that {@link isoBound} can be compared with. */
export const isoShape = '____-__-__T__:__:__%Z';

/** The bound of a text or DATETIME column without a zone, read as UTC. */
export function spacedBound(epochMs: number): string {
  return isoSecond(epochMs).replace('T', ' ');
}

/** For `like`: texts as SQLite's `CURRENT_TIMESTAMP` writes them. */
export const spacedShape = '____-__-__ __:__:__%';
