import { coreErrors, type Clock } from '@dotmac/core';
import { NotDelivered, postJson, signatureHeaders } from '@dotmac/core/net';
import type { WebhookSending } from './sending.js';
import type { Webhook } from './webhook.js';

/** The other side has this long to take a message, and less to be reached. */
const limitMs = 10_000;
const timeoutMs = 8_000;

/**
 * Posts a signed message once. Any status from 200 to 299 takes it.
 * @throws NotDelivered
 */
export async function postSigned(
  { connector, secretsOf }: WebhookSending,
  webhook: Webhook,
  { id, body }: { id: string; body: string },
  { clock, signal: outer }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const secrets = secretsOf(webhook, clock.now());
  if (secrets.length === 0) throw new NotDelivered('secret_not_readable', false);
  const stop = new AbortController();
  const cancel = clock.after(limitMs, () => stop.abort(coreErrors.DELIVERY_TIMED_OUT({})));
  const signal = AbortSignal.any([outer, stop.signal]);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new NotDelivered('timeout', true)), { once: true });
  });
  const headers = { 'user-agent': 'dotmac-lifecycle', ...signatureHeaders(secrets, { id, at: clock.now(), body }) };
  try {
    const posted = postJson({ connector, timeoutMs, signal }, { url: webhook.url, headers, body });
    await Promise.race([posted, late]);
  } finally {
    cancel();
    // What nobody waits for any more is ended.
    stop.abort();
  }
}
