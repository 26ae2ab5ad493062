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
