import { EventEmitter } from 'eventemitter3';
import { describeError } from '../errors/describe-error.js';
import { silentLogger, type Logger } from '../logger.js';
import type { AnyEvent, DomainEvent, EventSchemas } from './define-events.js';

/** A listener of one event name. */
export type EventListener<Event> = (event: Event) => void | Promise<void>;

/** A domain's events within this process, while they happen: nothing is kept, nothing is retried. */
export interface Emitter<Schemas extends EventSchemas> {
  /** Calls `listener` for every event of that name. Returns how to stop. */
  on<Name extends keyof Schemas & string>(name: Name, listener: EventListener<DomainEvent<Schemas, Name>>): () => void;
  /** Calls `listener` for every event. Returns how to stop. */
  onAny(listener: EventListener<AnyEvent<Schemas>>): () => void;
  /** Hands an event to its listeners. Never throws, waits for nobody. */
  emit(event: AnyEvent<Schemas>): void;
  /** How often a listener has thrown or rejected. */
  readonly failures: number;
  /** How many listen. */
  readonly listening: number;
}

/** Options of {@link createEmitter}. */
export interface EmitterOptions {
  logger?: Logger;
  /** Called for every failure of a listener, e.g. to count it in the metrics. */
  onFailure?: (eventName: string) => void;
}

const anyEvent = Symbol('any event');

/** Makes an emitter whose listeners cannot harm the one who emits: what they throw is logged and counted. */
export function createEmitter<Schemas extends EventSchemas>({
  logger = silentLogger,
  onFailure,
}: EmitterOptions = {}): Emitter<Schemas> {
  const listeners = new EventEmitter<string | symbol>();
  let [failures, listening] = [0, 0];
  const failed = (name: string, error: unknown): void => {
    failures += 1;
    logger.error({ event: name, ...describeError(error) }, 'an event listener failed');
    onFailure?.(name);
  };
  const add = <Event extends { name: string }>(
    channel: string | symbol,
    listener: EventListener<Event>,
  ): (() => void) => {
    const guarded = (event: Event): void => {
      try {
        const waiting = listener(event);
        // Most listeners answer at once.
        if (waiting !== undefined) Promise.resolve(waiting).catch((error: unknown) => failed(event.name, error));
      } catch (error) {
        failed(event.name, error);
      }
    };
    listeners.on(channel, guarded);
    listening += 1;
    let isOver = false;
    return () => {
      listeners.off(channel, guarded);
      if (!isOver) listening -= 1;
      isOver = true;
    };
  };
  return {
    on: (name, listener) => add(name, listener),
    onAny: (listener) => add(anyEvent, listener),
    emit(event) {
      listeners.emit(event.name, event);
      listeners.emit(anyEvent, event);
    },
    get failures() {
      return failures;
    },
    get listening() {
      return listening;
    },
  };
}
