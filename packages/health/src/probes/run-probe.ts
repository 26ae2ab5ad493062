import type { CancelTimer, Clock } from '@dotmac/core';
import { ConnectFailure, type Connector } from '@dotmac/core/net';
import { failed, judge, type Expectations, type ProbeResult } from './judge.js';
import type { AnyProbe, ProbeSubject } from './probe.js';

/** One check: which probe, of what, and what is expected. */
export interface Check {
  probe: AnyProbe;
  target: { host: string; port: number; config: never; subject?: ProbeSubject };
  expected: Expectations & { timeoutMs: number };
  connector: Connector;
  clock: Clock;
  signal: AbortSignal;
}

/** How long after its deadline a probe may still say what went wrong. */
const lastWordMs = 50;

/**
 * Runs a probe to its deadline. `result` comes by then whatever the probe does, and never rejects; `settled` comes when
 * the probe has really ended, which one that ignores its signal does later.
 */
export function runProbe(check: Check): { result: Promise<ProbeResult>; settled: Promise<void> } {
  const { probe, target, expected, connector, clock, signal } = check;
  const { timeoutMs } = expected;
  const stop = new AbortController();
  let giveUp: (failure: ConnectFailure) => void = () => undefined;
  const given = new Promise<never>((_, reject) => (giveUp = reject));
  let cancel: CancelTimer = () => undefined;
  const end = (code: 'timeout' | 'aborted'): void => {
    const failure = new ConnectFailure(code);
    stop.abort(failure);
    // The probe knows better what it was waiting for; one that does not listen is not waited for.
    cancel();
    cancel = clock.after(lastWordMs, () => giveUp(failure));
  };
  const onAbort = (): void => end('aborted');
  cancel = clock.after(timeoutMs, () => end('timeout'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const run = async () => probe.run({ ...target, timeoutMs, connector, signal: stop.signal, clock });
  const running = run();
  const result = Promise.race([running, given])
    .then((observation) => judge(observation, expected), failed)
    .finally(() => {
      cancel();
      signal.removeEventListener('abort', onAbort);
    });
  given.catch(() => undefined);
  const settled = running.then(
    () => undefined,
    () => undefined,
  );
  return { result, settled };
}
