import type { ErrorKind } from './kinds.js';
import { OperationError, type InputIssue } from './operation-error.js';

/** One row of a domain's error table. */
export interface ErrorDefinition<Details> {
  kind: ErrorKind;
  /** The sentence for the caller, from the details given at the throw. */
  message: (details: Details) => string;
  /** What to do about it. */
  hint?: string;
}

/** What may accompany any error. */
export interface ErrorExtras {
  cause?: unknown;
  issues?: InputIssue[];
  retryAfter?: number;
}

/** A typed constructor of one error, carrying its table row for docs and OpenAPI. */
export interface ErrorFactory<Details = never> {
  (details: Details, extras?: ErrorExtras): OperationError;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
}

type Definitions = Record<string, ErrorDefinition<never>>;

/** The constructors of an error table, by code. */
export type ErrorCatalogue<D extends Definitions> = {
  readonly [Code in keyof D]: ErrorFactory<D[Code] extends ErrorDefinition<infer Details> ? Details : never>;
};

/**
 * Turns a table `CODE: { kind, message, hint }` into typed constructors.
 *
 * @example
 * export const healthErrors = defineErrors({
 *   ENDPOINT_NOT_FOUND: { kind: 'not_found', message: ({ id }: { id: string }) => `There is no endpoint ${id}.` },
 * });
 * throw healthErrors.ENDPOINT_NOT_FOUND({ id });
 */
export function defineErrors<D extends Definitions>(definitions: D): ErrorCatalogue<D> {
  const factories = Object.entries(definitions).map(([code, { kind, message, hint }]) => {
    const create = (details: Record<string, unknown>, extras: ErrorExtras = {}): OperationError =>
      new OperationError({ kind, code, message: message(details as never), hint, details, ...extras });
    return [code, Object.assign(create, { code, kind, hint })] as const;
  });
  return Object.fromEntries(factories) as unknown as ErrorCatalogue<D>;
}
