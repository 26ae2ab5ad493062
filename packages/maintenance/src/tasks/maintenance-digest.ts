import { describeError } from '@dotmac/core';
import { isNotDelivered, type Connector } from '@dotmac/core/net';
import { maintenanceErrors } from '../errors.js';
import type { DigestChannel, DigestMessage } from '../reports/digest-channel.js';
import { headlineOf } from '../reports/digest.js';
import { digestHtml, digestText } from '../reports/digest-text.js';
import { digestBetween } from '../reports/service.js';
import { dayMs } from '../reports/tally.js';
import type { MaintenanceStore } from '../store/store.js';
import { maintenanceDigestDetails, maintenanceDigestParameters } from './maintenance-digest.schema.js';
import { defaultRates, msFor } from './default-rates.js';
import { planned } from './plan.js';
import { defineMaintenanceTask, type PlanContext, type TaskContext } from './task.js';

/** What the task works with. */
export interface DigestTaskParts {
  store: MaintenanceStore;
  channels: readonly DigestChannel[];
  connector: Connector;
}

/** A channel has this long to take a digest. */
const limitMs = 30_000;

const channelsOf = ({ channels }: DigestTaskParts, tenantId: string): DigestChannel[] =>
  channels.filter(({ tenants }) => tenants === undefined || tenants.includes(tenantId));

/** Sends what happened in the last days, through every channel that the host registered. */
export function maintenanceDigest(parts: DigestTaskParts) {
  const read = ({ tenantId, asOf }: PlanContext, days: number) =>
    digestBetween(parts.store, tenantId, { from: asOf - days * dayMs, to: asOf });
  return defineMaintenanceTask({
    type: 'maintenance_digest',
    name: 'Maintenance digest',
    description: 'Sends what maintenance did in the last days, and what to look at',
    heedsPressure: false,
    parameters: maintenanceDigestParameters,
    details: maintenanceDigestDetails,
    async plan(context, { days }) {
      const digest = await read(context, days);
      const channels = channelsOf(parts, context.tenantId);
      const targets = channels.map(({ name }) =>
        planned(
          {
            ...{ target: `digest:${name}`, action: 'send', items: 1, strategy: headlineOf(digest) },
            estimatedMs: msFor(1, defaultRates.digests),
          },
          [name, days],
        ),
      );
      return { targets, warnings: channels.length === 0 ? ['There is nowhere to send it to.'] : [] };
    },
    async run(context, { days }) {
      const digest = await read(context, days);
      const subject = headlineOf(digest);
      const { tenantId, clock } = context;
      const message = { tenantId, subject, text: digestText(digest), html: digestHtml(digest), digest };
      const [sent, failed]: [string[], string[]] = [[], []];
      for (const channel of channelsOf(parts, context.tenantId)) {
        const progress = await context.target({ target: `digest:${channel.name}`, planned: 1, total: null });
        if (progress.isDone) continue;
        // A run that is resumed sends the same once more, to those that have not taken it.
        const id = typeof progress.cursor === 'string' ? progress.cursor : context.runId;
        const taken = await send(parts, context, channel, { ...message, id, at: clock.now() });
        (taken ? sent : failed).push(channel.name);
        const goOn = await progress.advance({ seen: 1, cleaned: 0, cursor: id });
        if (taken) progress.done();
        if (!goOn) break;
      }
      if (failed.length > 0) throw maintenanceErrors.DIGEST_NOT_SENT({ channels: failed.join(', ') });
      return { details: { subject, sentTo: sent } };
    },
  });
}

/** False when it was not sent; the log says why. */
async function send(
  { connector }: DigestTaskParts,
  { clock, logger, signal: outer, note }: TaskContext,
  channel: DigestChannel,
  message: DigestMessage,
): Promise<boolean> {
  const deadline = new AbortController();
  const cancel = clock.after(limitMs, () => deadline.abort(new Error('The channel did not take it in time.')));
  const signal = AbortSignal.any([outer, deadline.signal]);
  // Not every channel heeds the signal.
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  aborted.catch(() => undefined);
  try {
    await Promise.race([channel.send(message, { signal, connector }), aborted]);
    note(`sent by ${channel.name}`);
    return true;
  } catch (error) {
    outer.throwIfAborted();
    const code = isNotDelivered(error) ? error.code : describeError(error).code;
    logger.warn({ channel: channel.name, ...describeError(error), code }, 'a digest was not sent');
    note(`not sent by ${channel.name}`);
    return false;
  } finally {
    cancel();
  }
}
