import type { Logger } from '../logger.js';

/** When a hook runs, said by its name. There is no ambiguous "after". */
export type HookPhase = 'before' | 'inTransaction' | 'afterCommit';

/** What every hook is told besides its own data. */
export interface HookContext {
  tenantId: string;
  actor: string;
  signal: AbortSignal;
}

/** A hook: the function alone, or with how it is to be run. */
export type Hook<Context, Options = HookTiming> = HookFunction<Context> | ({ run: HookFunction<Context> } & Options);

type HookFunction<Context> = (context: Context) => void | Promise<void>;

/** How long a hook may take. */
export interface HookTiming {
  /** Default: what the domain was given for all of its hooks. */
  timeoutMs?: number;
}

/** What becomes of a command when its `before` hook does not work. */
export interface HookPolicy extends HookTiming {
  /**
   * `ignore`: an error that is no veto, and running out of time, are logged, and the command goes on. Default `fail`: the
   * command is refused. A veto (an OperationError that the hook throws) always refuses.
   */
  onFailure?: 'fail' | 'ignore';
}

/**
 * The hooks of one command.
 * @typeParam Input what the command was given
 * @typeParam State what it made
 * @typeParam Trx the transaction of the store in use
 */
export interface CommandHooks<Input, State, Trx = unknown> {
  /** Before anything is written, outside the transaction. Veto by throwing an OperationError, which the caller gets. */
  before?: Hook<HookContext & { input: Input }, HookPolicy>;
  /**
   * In the command's transaction, with the state after it. Throwing undoes the command; in a transaction of the host's
   * own, it is the host who must then roll back. No I/O other than on `trx`.
   */
  inTransaction?: Hook<HookContext & { input: Input; state: State; trx: Trx }>;
  /** After the commit, from the outbox: at least once, retried, then parked. `deliveryId` is the same on every attempt. */
  afterCommit?: (context: HookContext & { state: State; deliveryId: string }) => void | Promise<void>;
}

/** Hooks by command name, e.g. `{ 'customer.suspend': { before } }`. */
export type Hooks<Commands extends Record<string, { input: unknown; state: unknown }>, Trx = unknown> = {
  [Name in keyof Commands]?: CommandHooks<Commands[Name]['input'], Commands[Name]['state'], Trx>;
};

/** Logs what a hook cost when it is slow: a `before` hook holds its caller up, an `inTransaction` hook holds a lock. */
export function warnIfSlow(logger: Logger, hook: string, phase: HookPhase, durationMs: number, limitMs = 1_000): void {
  if (durationMs > limitMs) logger.warn({ hook, phase, durationMs: Math.round(durationMs) }, 'slow hook');
}
