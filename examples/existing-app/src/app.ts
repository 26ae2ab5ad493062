import { isOperationError } from '@dotmac/core';
import { statusOf } from '@dotmac/core/contract';
import type { Authenticate } from '@dotmac/core/http';
import { expressRouter } from '@dotmac/express';
import type { Lifecycle } from '@dotmac/lifecycle';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { tenantId } from './customers.js';
import type { AppTables } from './database.js';
import { hashPassword, isPassword } from './passwords.js';
import { beginSession, sessionUser } from './sessions.js';

const credentials = z.object({ email: z.email().max(254), password: z.string().min(8).max(200) });
const signup = credentials.extend({ name: z.string().trim().min(1).max(100) });

/** The application: its own users, sessions and routes, with the lifecycle of its users beside them. */
export function createApp(database: Kysely<AppTables>, customers: Lifecycle): Express {
  const app = express().disable('x-powered-by');
  const current = (request: Request) => sessionUser(database, request.headers.cookie);
  const scopeOf = (userId: string) => customers.scope({ tenantId, actor: `user:${userId}` });

  app.post('/signup', express.json(), async (request, response) => {
    const { email, password, name } = signup.parse(request.body);
    const password_hash = await hashPassword(password);
    // One transaction: the user, its session, the customer, its history, its token and its journey. All of it, or nothing.
    const { user, cookie } = await database.transaction().execute(async (trx) => {
      const made = await trx
        .insertInto('users')
        .values({ email: email.toLowerCase(), name, password_hash })
        .returning(['id', 'email', 'name'])
        .executeTakeFirstOrThrow();
      const scope = scopeOf(made.id);
      const [firstName = name, ...rest] = name.split(' ');
      await scope.customers.register(
        { username: made.id, email, firstName, lastName: rest.join(' ') || '-', userType: 'user', externalId: made.id },
        { trx },
      );
      return { user: made, cookie: await beginSession(trx, made.id) };
    });
    response.status(201).set('set-cookie', cookie).json(user);
  });

  app.post('/login', express.json(), async (request, response) => {
    const { email, password } = credentials.parse(request.body);
    const user = await database
      .selectFrom('users')
      .select(['id', 'name', 'password_hash'])
      .where('email', '=', email.toLowerCase())
      .executeTakeFirst();
    if (!user || !(await isPassword(password, user.password_hash))) return void response.sendStatus(401);
    response.set('set-cookie', await beginSession(database, user.id)).json({ id: user.id, name: user.name });
  });

  app.get('/me', async (request, response) => {
    const user = await current(request);
    if (!user) return void response.sendStatus(401);
    const customer = await scopeOf(user.id).customers.findByExternalId(user.id);
    response.json({ ...user, stage: customer?.stage ?? null });
  });

  app.delete('/me', async (request, response) => {
    const user = await current(request);
    if (!user) return void response.sendStatus(401);
    const { customers: own } = scopeOf(user.id);
    const customer = await own.findByExternalId(user.id);
    // The hook of `customer.delete` deletes the user in the same transaction.
    if (customer) await own.delete(customer.id, { reason: 'asked to' });
    response.sendStatus(204);
  });

  // Staff may do everything that the lifecycle's API can; nobody else anything. Links of verification are open.
  const authenticate: Authenticate = async ({ headers }) => {
    const user = await sessionUser(database, headers['cookie']?.toString());
    return user?.is_staff ? { tenantId, actorId: `user:${user.id}`, permissions: ['*'] } : null;
  };
  app.use('/ops', expressRouter(customers, { authenticate }));
  app.use(refusals);
  return app;
}

/** The application's own way to answer errors: dotmac's are told by `kind` and `code`, never by class. */
const refusals: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof z.ZodError) return void response.status(422).json({ error: 'INVALID', fields: error.issues });
  if ((error as { code?: string }).code === '23505') return void response.status(409).json({ error: 'TAKEN' });
  if (!isOperationError(error)) return next(error);
  response.status(statusOf(error.kind)).json({ error: error.code });
};
