import { RawNode, type Kysely, type KyselyPlugin } from 'kysely';

/** How often {@link CutOff} has cut off, and where to do it. */
export interface CutOff<Tables> {
  kysely: Kysely<Tables>;
  readonly times: number;
}

/**
 * Each statement that makes, changes or drops something is cut off before it runs, the first time that it is asked for.
 */
export function cutOff<Tables>(kysely: Kysely<Tables>): CutOff<Tables> {
  const seen = new Set<string>();
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (node.kind === 'SelectQueryNode' || (RawNode.is(node) && /^\s*select\b/.test(node.sqlFragments[0] ?? '')))
        return node;
      // Kysely notes when a migration was done, which is another text each time.
      const text = JSON.stringify(node).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '');
      if (seen.has(text)) return node;
      seen.add(text);
      throw new Error('cut off');
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return {
    kysely: kysely.withPlugin(plugin),
    get times() {
      return seen.size;
    },
  };
}

/** Does `work` until nothing cuts it off any more. */
export async function untilDone<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error && error.message === 'cut off')) throw error;
    }
  }
}
