import type { Clock, InputIssue } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type { z } from 'zod';
import type { AlertMessage } from '../alerts/message.js';

/** What a channel is given to deliver one message. */
export interface Delivery<Config = unknown, Secrets = unknown> {
  message: AlertMessage;
  config: Config;
  secrets: Secrets;
  /** 1 at the first attempt. The message and its id are the same on every one. */
  attempt: number;
  timeoutMs: number;
  /** The only way out: it judges every address. */
  connector: Connector;
  /** Aborts at the deadline, and when the module stops. */
  signal: AbortSignal;
  clock: Clock;
}

/** One way of telling people, typed by what a channel of its kind is set up with. */
export interface ChannelKind<Config = unknown, Secrets = unknown> {
  /** What channels name it by: lower case, digits and underscores. */
  readonly kind: string;
  /** For people: what it does. */
  readonly summary: string;
  /** Reads a channel's `config`; keys are the same in code and on the wire, so single words. */
  readonly config: z.ZodType<Config>;
  /** Reads its `secrets`, which are kept sealed and never shown: texts by name. */
  readonly secrets: z.ZodType<Secrets>;
  /** What the secrets belong to: a channel that is pointed elsewhere loses them. Default: nothing but the channel. */
  origin?(config: Config): string;
  /** What is wrong that the schemas do not see. `path` begins with `config.` or `secrets.`. */
  faults?(settings: { config: Config; secrets: Secrets }, connector: Connector): InputIssue[];
  /** Delivers a message, or throws; a `NotDelivered` says more than anything else. */
  deliver(delivery: Delivery<Config, Secrets>): Promise<void>;
}

/** Any kind of channel, what it is set up with unknown. What its schemas have read is handed back to it alone. */
export interface AnyChannelKind extends Omit<ChannelKind, 'origin' | 'faults' | 'deliver'> {
  origin?(config: never): string;
  faults?(settings: { config: never; secrets: never }, connector: Connector): InputIssue[];
  deliver(delivery: Delivery<never, never>): Promise<void>;
}

/**
 * A channel of the host's own.
 *
 * @example
 * const pager = defineChannel({
 *   kind: 'pager',
 *   summary: 'Pages whoever is on call',
 *   config: z.strictObject({ team: z.string() }),
 *   secrets: z.strictObject({}),
 *   deliver: ({ message, config, signal }) => onCall.page(config.team, message.text, { key: message.id, signal }),
 * });
 * createHealth({ store, channels: [pager] });
 */
export function defineChannel<Config, Secrets>(kind: ChannelKind<Config, Secrets>): ChannelKind<Config, Secrets> {
  return kind;
}
