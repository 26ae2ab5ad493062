import type { ErrorKind } from './kinds.js';

/** One fault of an invalid input: where it is and what is wrong. */
export interface InputIssue {
  /** Dotted path in wire names, e.g. `check_interval` or `items.0.name`; empty for the input as a whole. */
  path: string;
  message: string;
}

/** What an {@link OperationError} is made of. */
export interface OperationErrorInit {
  kind: ErrorKind;
  /** Stable, upper snake case, e.g. `ENDPOINT_NOT_FOUND`. Clients and tests compare this, never the message. */
  code: string;
  /** What was wrong and where, safe to show to the caller. */
  message: string;
  /** What to do about it. */
  hint?: string | undefined;
  /** Extra facts for the caller. Never secrets, never a driver's error object. */
  details?: Record<string, unknown> | undefined;
  /** For kind `invalid`: every fault at once. */
  issues?: InputIssue[] | undefined;
  /** Seconds after which trying again makes sense (kinds `limited` and `unavailable`). */
  retryAfter?: number | undefined;
  cause?: unknown;
}

const brand = Symbol.for('dotmac.operation-error');

/**
 * The one error that dotmac throws on purpose. It knows its meaning (`kind`, `code`) and nothing of HTTP.
 * Recognise it with {@link isOperationError}: an application may have two copies of this package loaded, and
 * `instanceof` fails across them.
 */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;
  readonly issues: InputIssue[] | undefined;
  readonly retryAfter: number | undefined;

  constructor(init: OperationErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = init.kind;
    this.code = init.code;
    this.hint = init.hint;
    this.details = init.details;
    this.issues = init.issues;
    this.retryAfter = init.retryAfter;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for an {@link OperationError} of any loaded copy of this package, optionally of one `code`. */
export function isOperationError(error: unknown, code?: string): error is OperationError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as Record<symbol, unknown>)[brand] === true &&
    (code === undefined || (error as OperationError).code === code)
  );
}
