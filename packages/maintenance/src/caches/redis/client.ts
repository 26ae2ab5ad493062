import type { CancelTimer, Clock } from '@dotmac/core';

/** What a command is given. */
export type RedisArgument = string | Buffer | number;

/** Commands that are sent together; ioredis's pipeline is one. */
export interface RedisPipeline {
  callBuffer(command: string, ...args: RedisArgument[]): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/**
 * The part of an ioredis client that is used: of a single node, of what sentinels watch over, or of a cluster (which has
 * `nodes`). Its `keyPrefix` option must not be set.
 */
export interface RedisClient {
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>;
  pipeline(): RedisPipeline;
  nodes?(role: 'master'): RedisClient[];
  options?: { keyPrefix?: unknown };
}

/** One node that keeps keys. */
export interface RedisNode {
  /** The same after a restart of this process, so that a scan can go on. */
  id: string;
  client: RedisClient;
  /** The cluster that it is part of, which knows where a key is now. */
  cluster: RedisClient | null;
}

/**
 * Whether a client puts a prefix of its own before keys: before those that it removes, and not before the pattern of SCAN, so
 * that it would remove others than it found.
 */
export const addsPrefix = (client: RedisClient): boolean =>
  [client, ...(client.nodes?.('master') ?? [])].some(({ options }) => Boolean(options?.keyPrefix));

/** How long a cluster may take to be connected. Clients wait for one without an end. */
const answerMs = 10_000;

/** Has a cluster's client connect where it has not: until then it knows of no nodes, or of those alone that it was told of. */
async function connected(cluster: RedisClient, clock: Pick<Clock, 'after'>): Promise<void> {
  let cancel: CancelTimer = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(answerMs, () => reject(new Error('The Redis cluster does not answer.')));
  });
  // Who may not ask that is answered, too.
  const asked = cluster.callBuffer('PING').catch((error: unknown) => {
    if ((error as Error).name !== 'ReplyError') throw error;
  });
  await Promise.race([asked, late]).finally(() => cancel());
}

/**
 * Every node that keeps keys of its own.
 * @throws an Error when it is a cluster and cannot be reached, which is not one without keys
 */
export async function nodesOf(client: RedisClient, clock: Pick<Clock, 'after'>): Promise<RedisNode[]> {
  if (client.nodes === undefined) return [{ id: 'single', client, cluster: null }];
  await connected(client, clock);
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
    const answer = await single.client.callBuffer(...command).catch(() => '');
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
