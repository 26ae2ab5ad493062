import { Stop, type CancelTimer, type Clock, type StopSignal } from '@dotmac/core';
import { ConnectFailure, type Connector } from '@dotmac/core/net';
import { failed, judge, nothingFound, type Expectations, type ProbeResult } from './judge.js';
import {
  partsOfCheck,
  type AnyProbe,
  type Observation,
  type Phases,
  type ProbeContext,
  type ProbeSubject,
} from './probe.js';

/** One check: which probe, of what, and what is expected. */
export interface Check {
  probe: AnyProbe;
  target: { host: string; port: number; config: never; subject?: ProbeSubject };
  expected: Expectations & { timeoutMs: number };
  connector: Connector;
  clock: Clock;
  signal: StopSignal;
}

/** A probe under way. */
export interface RunningProbe {
  /** Comes by the deadline whatever the probe does, and never rejects. */
  readonly result: Promise<ProbeResult>;
  /** Whether the probe has really ended, which one that ignores its signal does after its deadline. */
  hasEnded(): boolean;
}

/** How long after its deadline a probe may still say what went wrong. */
const lastWordMs = 50;

/** Runs a probe to its deadline. This is done for every check: nothing is made that most of them have no use for. */
export function runProbe({ probe, target, expected, connector, clock, signal }: Check): RunningProbe {
  const { timeoutMs } = expected;
  const stop = new Stop();
  const startedAt = clock.monotonic();
  let hasEnded = false;
  const result = new Promise<ProbeResult>((resolve) => {
    let cancel: CancelTimer = () => undefined;
    const conclude = (found: ProbeResult): void => {
      cancel();
      signal.removeEventListener('abort', onAbort);
      found.phases = wholeOf(found.phases, clock.monotonic() - startedAt);
      resolve(found);
    };
    const end = (code: 'timeout' | 'aborted'): void => {
      const failure = new ConnectFailure(code);
      stop.abort(failure);
      // The probe knows better what it was waiting for; one that does not listen is not waited for.
      cancel();
      const isOurs = code === 'timeout' && probe.ownRecords;
      cancel = clock.after(lastWordMs, () => conclude(isOurs ? nothingFound('check_failed') : failed(failure)));
    };
    const onAbort = (): void => end('aborted');
    cancel = clock.after(timeoutMs, () => end('timeout'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    begun(probe, new Context(target, timeoutMs, connector, stop, clock))
      .then((observation) => {
        hasEnded = true;
        conclude(judge(observation, expected));
      })
      .catch((error: unknown) => {
        hasEnded = true;
        conclude(failed(error));
      });
  });
  return { result, hasEnded: () => hasEnded };
}

/** The phases that a probe gave, with the whole. One of the host's own may have miscounted: what is no number goes. */
function wholeOf(given: Phases | undefined, totalMs: number): Phases {
  const phases: Phases = {};
  if (given)
    for (const part of partsOfCheck) {
      const ms = given[part];
      if (ms !== undefined && Number.isFinite(ms)) phases[part] = Math.max(0, ms);
    }
  phases.totalMs = totalMs;
  return phases;
}

function begun(probe: AnyProbe, context: ProbeContext<never>): Promise<Observation> {
  try {
    return Promise.resolve(probe.run(context));
  } catch (error) {
    // One of the host's own that is no async function.
    return Promise.reject(error as Error);
  }
}

class Context implements ProbeContext<never> {
  readonly host: string;
  readonly port: number;
  readonly config: never;
  readonly subject: ProbeSubject | undefined;

  constructor(
    { host, port, config, subject }: Check['target'],
    readonly timeoutMs: number,
    readonly connector: Connector,
    readonly stop: Stop,
    readonly clock: Clock,
  ) {
    this.host = host;
    this.port = port;
    this.config = config;
    this.subject = subject;
  }

  get signal(): AbortSignal {
    return this.stop.signal;
  }
}
