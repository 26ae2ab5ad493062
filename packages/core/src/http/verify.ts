import { z } from 'zod';
import type { Route } from '../contract/route.js';
import { coreErrors } from '../errors/core-errors.js';
import { isOperationError } from '../errors/operation-error.js';

/** Refuses an output that is not of its schema. On in tests, off in production: rendering strips what is not declared. */
export function verifyOutput(route: Pick<Route, 'name'>, schema: z.ZodType, output: unknown): void {
  const { error } = z.safeEncode(schema, output as never);
  if (error) throw new Error(`${route.name} answered what its output schema does not allow: ${z.prettifyError(error)}`);
}

/** Refuses an error that a route answers without declaring it. */
export function verifyError(route: Route<never>, error: unknown): void {
  if (!isOperationError(error) || error.code in coreErrors) return;
  if (!route.errors.some(({ code }) => code === error.code))
    throw new Error(`${route.name} answered ${error.code}, which its route does not declare`);
}
