import type { AnyEvent, DomainEvent, Subscriber } from '@dotmac/core';
import type { LifecycleContext } from './context.js';
import { announce, announcer } from './customers/record.js';
import { lifecycleEvents, type DeliverySchemas, type LifecycleEvents } from './events.js';
import { hooksOf, hookSubscriber, type HookName } from './hooks.js';
import { senderSubscriber, sendToken } from './verification/send.js';
import { answerByAddress, resendSubscriber } from './verification/resend.js';
import type { SendVerification } from './verification/sender.js';

/** One who receives the domain's events, or those of some names, at least once. */
export type LifecycleSubscriber<Name extends keyof LifecycleEvents & string = keyof LifecycleEvents & string> =
  Subscriber<LifecycleEvents, Name>;

type Receiver = Subscriber<DeliverySchemas>;

/**
 * The domain's own receivers: `afterCommit` hooks, the sender of tokens, and the announcer of events whose commit this
 * process could not see. What they receive is put into the outbox for them by name, hence `events: []`.
 */
export function deliver(context: LifecycleContext, send: SendVerification | undefined): Receiver[] {
  const names = Object.keys(context.hooks) as HookName[];
  const hooks = names.flatMap((name): Receiver[] => {
    const { afterCommit } = hooksOf(context, name);
    if (!afterCommit) return [];
    return [
      {
        name: hookSubscriber(name),
        events: [],
        async deliver(event, { deliveryId, signal }) {
          const { tenantId, actor, data } = event as DomainEvent<DeliverySchemas, 'command.committed'>;
          await afterCommit({ tenantId, actor, signal, state: data.state, deliveryId });
        },
      },
    ];
  });
  const sender: Receiver[] = send
    ? [
        {
          name: senderSubscriber,
          events: [],
          deliver: (event, delivery) =>
            sendToken(context, send, event as DomainEvent<DeliverySchemas, 'verification.issued'>, delivery),
        },
      ]
    : [];
  const asked: Receiver = {
    name: resendSubscriber,
    events: [],
    deliver: (event) => answerByAddress(context, event as DomainEvent<DeliverySchemas, 'verification.asked'>),
  };
  const announced: Receiver = {
    name: announcer,
    events: [],
    deliver: (event) => announce(context, event as AnyEvent<LifecycleEvents>),
  };
  return [...hooks, ...sender, asked, announced];
}

/** A host's subscriber, for the relay: it never sees what is put into the outbox for others. */
export function hostSubscriber<Name extends keyof LifecycleEvents & string>(
  subscriber: LifecycleSubscriber<Name>,
): Receiver {
  return { events: lifecycleEvents.names, ...subscriber } as unknown as Receiver;
}
