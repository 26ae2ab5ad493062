import { SchemaModule, type CompiledQuery, type Kysely, type QueryResult } from 'kysely';
import { isDoneAlready } from './errors.js';

/**
 * The same database for a migration that may have been cut off: what its statements on the schema have done already is
 * passed over. For where DDL commits by itself, and a migration is noted only afterwards.
 */
export function resumable(schema: Kysely<unknown>): Kysely<unknown> {
  const executor = schema.getExecutor();
  const forgiving = instead(executor, {
    executeQuery: async <Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>> => {
      try {
        return await executor.executeQuery(query);
      } catch (error) {
        if (!isDoneAlready(error)) throw error;
        return { rows: [] };
      }
    },
  });
  return instead(schema, { schema: new SchemaModule(forgiving), getExecutor: () => forgiving });
}

/** An object with some of its members replaced. Its methods are called on itself: they may have private ones. */
function instead<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof Target];
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
