import type { RedisArgument, RedisClient, RedisNode } from './client.js';

/** A slot that is moving, or has moved, since its keys were scanned: its cluster knows where to. */
const moved = /^(MOVED|ASK|TRYAGAIN)\b/;

/**
 * Sends commands to a node in one go. What their slot has left meanwhile goes through the cluster.
 * @returns their answers, in order
 * @throws the first that failed
 */
export async function sendAll(
  { client, cluster }: RedisNode,
  commands: readonly RedisArgument[][],
): Promise<unknown[]> {
  const pipeline = client.pipeline();
  for (const [name, ...args] of commands) pipeline.callBuffer(String(name), ...args);
  const answers = (await pipeline.exec()) ?? [];
  return Promise.all(
    answers.map(([error, answer], place) => {
      if (error === null) return answer;
      if (cluster === null || !moved.test(error.message)) throw error;
      return send(cluster, commands[place] ?? []);
    }),
  );
}

const send = (client: RedisClient, [name, ...args]: readonly RedisArgument[]): Promise<unknown> =>
  client.callBuffer(String(name), ...args);
