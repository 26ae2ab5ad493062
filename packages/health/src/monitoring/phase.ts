/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/): spreads ids evenly, the same in every process. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

/**
 * The first slot of an endpoint after `now`. Slots lie `intervalMs` apart at a phase that its id decides, so that
 * neither a start nor a restart checks everything at once; a slot that was missed is skipped, and the phase kept.
 */
export function nextSlot(endpointId: string, intervalMs: number, now: number): number {
  const phase = hash(endpointId) % intervalMs;
  return now + intervalMs - ((((now - phase) % intervalMs) + intervalMs) % intervalMs);
}
