import { createHmac } from 'node:crypto';
import { z } from 'zod';

/** A key as Standard Webhooks writes it: `whsec_` and 24 to 64 bytes in base64. */
export const signingKey = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, 'Give "whsec_" and 24 to 64 bytes in base64')
  .refine((text) => {
    const { length } = keyBytes(text);
    return length >= 24 && length <= 64;
  }, 'Give "whsec_" and 24 to 64 bytes in base64');

function keyBytes(text: string): Buffer {
  return Buffer.from(text.slice('whsec_'.length), 'base64');
}

/**
 * The headers that sign a webhook: HMAC-SHA256 over its id, its time and its body, so that a receiver knows who sent
 * it, when, and which ones it has had already.
 * Source: Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 * @param keys while a key is replaced, the old one too: each signs, and a receiver is content with one of them
 * @param at epoch ms
 */
export function signatureHeaders(
  keys: string | readonly string[],
  { id, at, body }: { id: string; at: number; body: string },
): Record<string, string> {
  const seconds = String(Math.floor(at / 1_000));
  const digestWith = (key: string): string =>
    createHmac('sha256', keyBytes(key)).update(`${id}.${seconds}.${body}`).digest('base64');
  const signatures = [keys].flat().map((key) => `v1,${digestWith(key)}`);
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') };
}
