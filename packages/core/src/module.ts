import type { Route } from './contract/route.js';
import type { ScopeInit } from './scope.js';

/** What a module says of its own fitness, from kept state: asking never probes anything. */
export interface Readiness {
  ready: boolean;
  /** Named parts, e.g. `{ database: 'ok', monitor: 'starting' }`. Free of secrets: `/readyz` shows it to anybody. */
  parts: Record<string, string>;
}

/**
 * What an adapter mounts. Every domain is a module; `createOperations` joins three into one.
 * `Scope` is what the routes' `run` receives: the services bound to one tenant and actor.
 */
export interface Module<Scope = unknown> {
  /** Short and stable, e.g. `health`. */
  readonly name: string;
  readonly routes: readonly Route<Scope>[];
  /** The services for one tenant. Cheap: called for every request. */
  scope(init: ScopeInit): Scope;
  /** What routes get that are open to anybody: it is bound to no tenant. */
  readonly open?: unknown;
  /** Applies migrations (unless told not to) and starts background work. Safe to call again. */
  start(): Promise<void>;
  /** Stops taking work, lets what runs finish, closes what it opened itself. Safe to call again. */
  stop(): Promise<void>;
  readiness(): Readiness;
}
