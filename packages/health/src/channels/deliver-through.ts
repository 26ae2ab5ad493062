import { coreErrors, isOperationError, type Clock, type Sealer } from '@dotmac/core';
import { isNotDelivered, NotDelivered, type Connector } from '@dotmac/core/net';
import type { AlertMessage } from '../alerts/message.js';
import type { ChannelRecord } from './channel.js';
import type { ChannelRegistry } from './registry.js';
import { unsealAll } from './secrets.js';

/** Delivers one message through one channel, or throws. */
export type DeliverThrough = (
  channel: ChannelRecord,
  message: AlertMessage,
  context: { attempt: number; signal: AbortSignal },
) => Promise<void>;

/** What delivering through channels works with. */
export interface DeliverThroughOptions {
  channels: ChannelRegistry;
  sealer: Sealer | undefined;
  connector: Connector;
  clock: Clock;
}

/** The other side has this long to take a message, and less to be reached: whoever was not reached has not got it. */
const limitMs = 10_000;
const timeoutMs = 8_000;

/** Makes a {@link DeliverThrough}, which gives up after ten seconds. */
export function deliveryThrough({ channels, sealer, connector, clock }: DeliverThroughOptions): DeliverThrough {
  return async (channel, message, { attempt, signal: outer }) => {
    const kind = channels.get(channel.kind);
    if (!kind) throw new NotDelivered('no_such_kind', false);
    const opened = unsealAll(sealer, channel, kind);
    if (!opened) throw new NotDelivered('secrets_not_readable', false);
    const config = kind.config.safeParse(channel.config);
    const secrets = kind.secrets.safeParse(opened);
    if (!config.success || !secrets.success) throw new NotDelivered('not_configured', false);
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(outer.reason);
    outer.addEventListener('abort', onAbort, { once: true });
    if (outer.aborted) onAbort();
    const { signal } = stop;
    try {
      await withinDeadline(clock, stop, () =>
        kind.deliver({
          ...{ message, attempt, timeoutMs, connector, signal, clock },
          config: config.data as never,
          secrets: secrets.data as never,
        }),
      );
    } catch (error) {
      if (isNotDelivered(error) || isOperationError(error)) throw error;
      // What a kind of the host's own lets through may quote an address with all that is in it: nobody writes it down.
      throw new NotDelivered('failed', true);
    } finally {
      outer.removeEventListener('abort', onAbort);
    }
  };
}

/** Whoever does not listen to the signal is not waited for either. */
async function withinDeadline(clock: Clock, stop: AbortController, work: () => Promise<void>): Promise<void> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(new NotDelivered('timeout', true)), { once: true });
    cancel = clock.after(limitMs, () => stop.abort(coreErrors.DELIVERY_TIMED_OUT({})));
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    cancel();
  }
}
