import { defineProbe } from './probe.js';
import { conversing, startTlsProtocol } from './starttls.js';
import { tlsSettings } from './tls-settings.js';

/**
 * Agrees on TLS and judges the certificate. The response time is the connection's and the handshake's; neither the
 * name's resolution nor what a protocol says before its upgrade is in it.
 */
export const tlsProbe = defineProbe({
  serviceType: 'tls',
  summary: 'Agrees on TLS and judges the certificate.',
  addressing: 'port',
  config: tlsSettings.extend({
    /** Upgrade to TLS as this protocol does. Default: TLS from the start. */
    starttls: startTlsProtocol.optional(),
  }),
  facts: ['certificate'],
  secret: ['key'],
  run(context) {
    const { starttls, ...tls } = context.config;
    return conversing(context, { tls, starttls, wrong: 'The answer is too long' }, async ({ phases }) => {
      const { connectMs = 0, tlsMs = 0 } = phases;
      return { responseTimeMs: connectMs + tlsMs, message: 'Agreed on TLS' };
    });
  },
});
