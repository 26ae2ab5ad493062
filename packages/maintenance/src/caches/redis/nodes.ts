import type { RedisClient, RedisNode } from './client.js';
import { inTime, promptClient, type Waits } from './prompt-client.js';

/** How long one may take to be had, and to be connected. Clients wait for a cluster without an end, and for a single node where they are told to. */
const connectMs = 10_000;

/** The host's client, which its own function may never give. */
export const given = (client: RedisClient | Promise<RedisClient>, waits: Waits): Promise<RedisClient> =>
  inTime(Promise.resolve(client), waits, { ms: connectMs, whose: 'The function that gives the Redis client' });

/**
 * Has a client connect where it has not, so that one that cannot fails at once: and until then a cluster's knows of no nodes, or of
 * those alone that it was told of.
 */
async function connected(client: RedisClient, waits: Waits): Promise<void> {
  // Who may not ask that is answered, too.
  const asked = client.callBuffer('PING').catch(unlessRefused);
  await inTime(asked, waits, { ms: connectMs, whose: client.nodes ? 'The Redis cluster' : 'Redis' });
}

/** The server did answer, though by an error. */
function unlessRefused(error: unknown): undefined {
  if ((error as Error).name !== 'ReplyError') throw error;
}

/**
 * Every node that keeps keys of its own, with a client each of whose commands is answered in time, or fails.
 * @throws an Error when it cannot be reached, which is not one without keys
 */
export async function nodesOf(asGiven: RedisClient, waits: Waits): Promise<RedisNode[]> {
  await connected(asGiven, waits);
  const client = promptClient(asGiven, waits);
  if (client.nodes === undefined) return [{ id: 'single', client, cluster: null }];
  const primaries = client.nodes('master');
  if (primaries.length === 0) throw new Error('The Redis cluster has no primary that is known.');
  return Promise.all(
    primaries.map(async (node) => ({
      id: String(await node.callBuffer('CLUSTER', 'MYID')),
      client: node,
      cluster: client,
    })),
  );
}

/**
 * Which servers and database they are, to be compared: the nodes of a cluster, or this start of a single server. What it may
 * not be asked is left out.
 */
export async function identityOf(nodes: readonly RedisNode[]): Promise<string[]> {
  const [single] = nodes;
  if (single?.cluster !== null) return nodes.map(({ id }) => id).sort();
  const said = async (pattern: RegExp, ...command: [string, string]): Promise<string> => {
    const answer = await single.client.callBuffer(...command).catch(unlessRefused);
    return pattern.exec(String(answer))?.[1] ?? '';
  };
  return [await said(/^run_id:(\w+)/m, 'INFO', 'server'), await said(/\bdb=(\d+)/, 'CLIENT', 'INFO')];
}

/** How many keys there are in all. */
export async function keysOf(nodes: readonly RedisNode[]): Promise<number> {
  const counts = await Promise.all(nodes.map(({ client }) => client.callBuffer('DBSIZE')));
  return counts.reduce<number>((sum, count) => sum + Number(count), 0);
}

/** The memory that a node has in use. Bytes; null where it may not be asked. */
export async function usedMemory(nodes: readonly RedisNode[]): Promise<number | null> {
  try {
    const reports = await Promise.all(nodes.map(({ client }) => client.callBuffer('INFO', 'memory')));
    return reports.reduce<number>((sum, it) => sum + Number(/^used_memory:(\d+)/m.exec(String(it))?.[1]), 0);
  } catch {
    return null;
  }
}
