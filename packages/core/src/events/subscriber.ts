import type { DomainEvent, EventSchemas } from './define-events.js';

/** What a delivery is told besides its event. */
export interface DeliveryContext {
  /** The same on every attempt: what must not be done twice remembers it. */
  deliveryId: string;
  /** 1 at the first attempt. */
  attempt: number;
  /** Aborts at the delivery's deadline, and when the relay stops without waiting any longer. */
  signal: AbortSignal;
}

/** One who receives events at least once, in order for each subject. */
export interface Subscriber<
  Schemas extends EventSchemas,
  Name extends keyof Schemas & string = keyof Schemas & string,
> {
  /** Stable: it is kept with what waits for delivery. Up to 200 characters. */
  name: string;
  /** The events wanted; all of them when absent. */
  events?: readonly Name[];
  /** Throwing or rejecting means: again later. */
  deliver(event: DomainEventOf<Schemas, Name>, context: DeliveryContext): void | Promise<void>;
  /** After how many attempts to give up what failed so, when that is sooner than the relay would. */
  mostAttempts?(error: unknown): number | undefined;
  /** After how many failed attempts an event lets later ones of its subject pass, and is tried beside them. Default: never. */
  attemptsInOrder?: number;
  /**
   * Called before an event is given up, also one whose process died at every attempt; again, when it cannot be given up
   * then. Throwing or rejecting means: not yet.
   */
  gaveUp?(event: DomainEventOf<Schemas, Name>): void | Promise<void>;
  /** The same of what was not understood at the last attempt either, as it is stored: another version may have written it. */
  gaveUpUnread?(stored: DomainEvent): void | Promise<void>;
}

type DomainEventOf<Schemas extends EventSchemas, Name extends keyof Schemas & string> = {
  [N in Name]: DomainEvent<Schemas, N>;
}[Name];
