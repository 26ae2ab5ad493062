import { postUrl, wireOf } from '@dotmac/core/contract';
import { faultsOfUrl, originOf, postJson, signatureHeaders, signingKey } from '@dotmac/core/net';
import { z } from 'zod';
import { alertMessage } from '../alerts/message.js';
import { defineChannel } from './channel-kind.js';

const line = z
  .string()
  .max(1_024)
  .regex(/^[\x20-\x7e\t]*$/, 'Visible ASCII alone');
/** What a host's own headers may not be: ours, and those that say where the message ends. */
const reserved =
  /^(host|connection|content-.*|transfer-encoding|upgrade|te|trailer|expect|webhook-.*|authorization|cookie)$/i;

const headers = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'This is no name of a header')
      .refine(
        (name) => !reserved.test(name),
        'This header is not yours to set; credentials go to secrets.authorization',
      ),
    line,
  )
  .refine((all) => Object.keys(all).length <= 20, 'At most 20 headers');

const wire = wireOf(alertMessage);

/** Posts the message as JSON, signed as Standard Webhooks are; any status from 200 to 299 takes it. */
export const webhookChannel = defineChannel({
  kind: 'webhook',
  summary: 'Posts JSON to a URL, signed with HMAC-SHA256 as Standard Webhooks are.',
  config: z.strictObject({ url: postUrl, headers: headers.default({}) }),
  secrets: z.strictObject({ key: signingKey, authorization: line.min(1).optional() }),
  origin: ({ url }) => originOf(url),
  faults: ({ config: { url } }, connector) => faultsOfUrl('config.url', url, connector),
  deliver(delivery) {
    const { message, config, secrets, clock } = delivery;
    const body = wire.write(message);
    const credentials: Record<string, string> =
      secrets.authorization === undefined ? {} : { authorization: secrets.authorization };
    const signature = signatureHeaders(secrets.key, { id: message.id, at: clock.now(), body });
    return postJson(delivery, { url: config.url, headers: { ...config.headers, ...credentials, ...signature }, body });
  },
});
