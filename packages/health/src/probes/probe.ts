import type { Clock, StopSignal } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type { z } from 'zod';
import type { Facts } from '../conditions/facts.js';
import type { Addressing } from '../endpoints/service-type.js';
import type { Code } from './outcomes.js';

/**
 * How long a check took, and its parts, in milliseconds; parts that there were not are left out. After redirects, the
 * parts are those of the last request.
 */
export interface Phases {
  dnsMs?: number;
  connectMs?: number;
  tlsMs?: number;
  /** From the question to the first byte of its answer. */
  firstByteMs?: number;
  /** From the first to the last byte of the answer, as far as it was read. */
  transferMs?: number;
  /**
   * From the beginning of the check to its end, whatever came of it: names, redirects and the body are in it. Whoever runs
   * the probe sets it.
   */
  totalMs?: number;
}

/** The parts of a check that a probe can tell of. */
export const partsOfCheck = ['dnsMs', 'connectMs', 'tlsMs', 'firstByteMs', 'transferMs'] as const;

/** What a probe is given. */
export interface ProbeContext<Config = unknown> {
  /** Empty for probes without a host. */
  host: string;
  /** 0 for probes without a port. */
  port: number;
  config: Config;
  /** What is left of the check's time when the probe begins. */
  timeoutMs: number;
  /** The only way out: it judges every address. */
  connector: Connector;
  /** Aborts at the deadline, and when the monitor stops. */
  readonly signal: AbortSignal;
  /** The same, for what takes either: it costs less, and no AbortSignal is made unless `signal` is read. */
  stop: StopSignal;
  clock: Clock;
  /** The endpoint that is checked; undefined for a check of something that is none. */
  subject?: ProbeSubject | undefined;
}

/** Which endpoint is checked. */
export interface ProbeSubject {
  tenantId: string;
  endpointId: string;
  /** When it was registered; epoch ms. */
  createdAt: number;
}

/** What a probe found out about something that answered as it should. */
export interface Observation {
  /** From the question to the answer, name resolution left out; what `expected_response_time` is compared with. */
  responseTimeMs: number;
  /** A sentence of ours: never text of the other side, which may be anybody's. */
  message: string;
  phases?: Phases;
  /** What conditions can speak of. Stays in memory, and is dropped after they were judged. */
  facts?: Facts;
  /** Why an answer that came is one to worry about. */
  degraded?: string;
  /** What it is, for programs: default `degraded` when it is one to worry about, else `ok`. */
  code?: Code;
  /** When there will be something else to see, if that is before the next check; epoch ms. */
  lookAgainAt?: number;
}

/**
 * One way of checking an endpoint. `run` throws what went wrong: a `ConnectFailure` of the connector, a
 * {@link WrongAnswer}, an {@link Unreachable} or a {@link CannotCheck}; anything else counts as trouble of our own.
 */
export interface Probe<Config = unknown> {
  /** What endpoints name it by: lower case, digits and underscores. */
  readonly serviceType: string;
  /** For people: what it does and what it takes for healthy. */
  readonly summary: string;
  /** Whether it needs a host and a port. */
  readonly addressing: Addressing;
  /** Reads an endpoint's `config`; keys are the same in code and on the wire, so single words. */
  readonly config: z.ZodType<Config>;
  /** The names that {@link Observation.facts} can have; a condition on another is refused. Default: any. */
  readonly facts?: readonly string[];
  /** Those of {@link facts} that never come with such a `config`. Default: none. */
  readonly lacking?: (config: Config) => readonly string[];
  /** Paths into `config` whose text must name a secret (`${secrets.token}`) and not be one. */
  readonly secret?: readonly string[];
  /**
   * Paths into `config` in whose text, and in all beneath, secrets can be named too: what is sent and goes into no message.
   * Anywhere else they are refused.
   */
  readonly sent?: readonly string[];
  /**
   * Whether it asks nobody, but reads what the application keeps itself: that it does not end in time is trouble of our own
   * then, `unknown` and not `offline`. Default false.
   */
  readonly ownRecords?: boolean;
  run(context: ProbeContext<Config>): Promise<Observation>;
}

/** Any probe, its configuration unknown. What its schema has read is handed back to it alone. */
export interface AnyProbe extends Omit<Probe, 'config' | 'lacking' | 'run'> {
  readonly config: z.ZodType;
  readonly lacking?: (config: never) => readonly string[];
  run(context: ProbeContext<never>): Promise<Observation>;
}

/**
 * A probe of the host's own, typed by its configuration's schema.
 *
 * @example
 * const queueDepth = defineProbe({
 *   serviceType: 'queue_depth',
 *   summary: 'Counts waiting jobs',
 *   addressing: 'none',
 *   config: z.strictObject({ queue: z.string() }),
 *   async run({ config }) {
 *     const started = performance.now();
 *     const waiting = await queues[config.queue].getWaitingCount();
 *     return { responseTimeMs: performance.now() - started, message: `${waiting} jobs wait`, facts: { waiting } };
 *   },
 * });
 * createHealth({ store, probes: [queueDepth] });
 */
export function defineProbe<Config>(probe: Probe<Config>): Probe<Config> {
  return probe;
}

// Branded, for a host's probe may come with another copy of this package.
const wrong = Symbol.for('dotmac.WrongAnswer');
const unreachable = Symbol.for('dotmac.Unreachable');
const cannotCheck = Symbol.for('dotmac.CannotCheck');
const isBranded = (error: unknown, brand: symbol): boolean =>
  typeof error === 'object' && error !== null && brand in error;

/** The other side answered, and wrongly: critical. Conditions are not judged. */
export class WrongAnswer extends Error {
  readonly [wrong] = true;
  /** Default `wrong_answer`. */
  readonly code: Code | undefined;
  readonly responseTimeMs: number | null;
  readonly phases: Phases | undefined;

  constructor(
    message: string,
    { code, responseTimeMs = null, phases }: { code?: Code; responseTimeMs?: number | null; phases?: Phases } = {},
  ) {
    super(message);
    [this.code, this.responseTimeMs, this.phases] = [code, responseTimeMs, phases];
  }
}

/** Nobody answered, for a reason that is no socket's: offline. */
export class Unreachable extends Error {
  readonly [unreachable] = true;
  /** Default `no_answer`. */
  readonly code: Code | undefined;

  constructor(message: string, { code }: { code?: Code } = {}) {
    super(message);
    this.code = code;
  }
}

/** We could not even ask, for a reason worth telling: unknown. */
export class CannotCheck extends Error {
  readonly [cannotCheck] = true;
  /** Default `cannot_check`. */
  readonly code: Code | undefined;
  /** When there will be something to see; epoch ms. */
  readonly lookAgainAt: number | undefined;

  constructor(message: string, { code, lookAgainAt }: { code?: Code; lookAgainAt?: number } = {}) {
    super(message);
    [this.code, this.lookAgainAt] = [code, lookAgainAt];
  }
}

/** The same wrong answer, with how long it took to come. */
export function timed({ message, code }: WrongAnswer, responseTimeMs: number, phases: Phases): WrongAnswer {
  return new WrongAnswer(message, { ...(code !== undefined && { code }), responseTimeMs, phases });
}

/** Recognises a {@link WrongAnswer}. */
export const isWrongAnswer = (error: unknown): error is WrongAnswer => isBranded(error, wrong);
/** Recognises an {@link Unreachable}. */
export const isUnreachable = (error: unknown): error is Unreachable => isBranded(error, unreachable);
/** Recognises a {@link CannotCheck}. */
export const isCannotCheck = (error: unknown): error is CannotCheck => isBranded(error, cannotCheck);
