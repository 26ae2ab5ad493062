import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { AppTables } from './database.js';

const lastsMs = 30 * 86_400_000;
const cookieName = 'session';

/** Who is logged in. */
export interface SessionUser {
  id: string;
  email: string;
  name: string;
  is_staff: boolean;
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Begins a session, in the transaction given; the cookie for it. */
export async function beginSession(database: Kysely<AppTables>, userId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const expires_at = new Date(Date.now() + lastsMs);
  await database
    .insertInto('sessions')
    .values({ token_hash: hashOf(token), user_id: userId, expires_at })
    .execute();
  return `${cookieName}=${token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${lastsMs / 1_000}`;
}

/** Whose session a request's cookie names. */
export async function sessionUser(
  database: Kysely<AppTables>,
  cookies: string | undefined,
): Promise<SessionUser | undefined> {
  const token = new RegExp(`(?:^|; )${cookieName}=([\\w-]+)`).exec(cookies ?? '')?.[1];
  if (token === undefined) return undefined;
  return database
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['users.id', 'users.email', 'users.name', 'users.is_staff'])
    .where('sessions.token_hash', '=', hashOf(token))
    .where('sessions.expires_at', '>', new Date())
    .executeTakeFirst();
}
