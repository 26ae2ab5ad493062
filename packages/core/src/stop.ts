/** What work that may be stopped listens to: an `AbortSignal`, or a {@link Stop}. */
export interface StopSignal {
  readonly aborted: boolean;
  /** Why; undefined until then. */
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * An `AbortController` and its signal in one, for what is begun thousands of times a second: each AbortSignal of Node's
 * gets a hidden class of its own, which only a full garbage collection clears away. Listeners are called once, in their
 * order, and must not throw.
 *
 * @example
 * const stop = new Stop();
 * const connecting = connector.connect({ host, port, timeoutMs, signal: stop });
 * stop.abort(new ConnectFailure('aborted'));
 */
export class Stop implements StopSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: (() => void)[] | undefined = undefined;
  #controller: AbortController | undefined = undefined;

  /** Stops what listens, for a reason; once it is stopped, nothing happens any more. */
  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    this.#controller?.abort(reason);
    for (const listener of listeners ?? []) listener();
  }

  addEventListener(_: 'abort', listener: () => void): void {
    if (this.aborted) return;
    if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.#listeners?.splice(at, 1);
  }

  /** A real signal that follows this one, for those who hand it on; made when it is asked for first. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }
}
