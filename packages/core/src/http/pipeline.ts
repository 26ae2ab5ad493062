import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { ScopeInit } from '../scope.js';
import type { Authenticate } from './authenticate.js';
import type { Idempotently } from './idempotency.js';
import type { Limiter } from './limit.js';

/** What the pipeline runs on. */
export interface Pipeline<Scope> {
  authenticate: Authenticate;
  scope: (init: ScopeInit) => Scope;
  /** What open routes get in the place of a scope. */
  open: unknown;
  limitPrincipal: Limiter | false;
  limitAddress: Limiter | false;
  bodyLimitBytes: number;
  idempotently: Idempotently | undefined;
  clock: Clock;
  logger: Logger;
  observe: ((route: string, method: string, status: number, seconds: number) => void) | undefined;
  verify: boolean;
}
