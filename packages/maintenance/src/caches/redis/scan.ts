import type { RedisNode } from './client.js';

const scanSize = 1_000;

/** The keys of a node that match, from a cursor on, and the cursor after them. */
export async function scan(node: RedisNode, from: string, pattern: string): Promise<{ next: string; keys: Buffer[] }> {
  const answer = await node.client.callBuffer('SCAN', from, 'MATCH', pattern, 'COUNT', scanSize);
  const [next, keys] = answer as [Buffer, Buffer[]];
  return { next: String(next), keys: unlike(keys) };
}

/** SCAN may show a key twice. */
function unlike(keys: readonly Buffer[]): Buffer[] {
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
}
