import { z } from 'zod';
import { reply } from './line-reader.js';
import { defineProbe } from './probe.js';
import { conversing, ehlo, ehloName, smtpStartTls } from './starttls.js';
import { tlsSettings } from './tls-settings.js';

/**
 * Greets a mail server and takes leave: 220, EHLO, 250, QUIT (RFC 5321), over TLS if wanted. The response time goes to
 * the last answer to EHLO, without the name's resolution.
 */
export const smtpProbe = defineProbe({
  serviceType: 'smtp',
  summary: 'Greets a mail server, over TLS if wanted, and takes leave.',
  addressing: 'port',
  config: z
    .strictObject({
      /** The name to give with EHLO. Default `dotmac.invalid`. */
      ehlo: z
        .string()
        .max(253)
        .regex(/^[\x21-\x7e]+$/, 'Give a name without spaces')
        .default(ehloName)
        .meta({ description: 'The name to give with EHLO' }),
      /** Upgrade to TLS, which must be offered (RFC 3207). Default false. */
      starttls: z.boolean().default(false).meta({ description: 'Upgrade to TLS, which must be offered' }),
      /** TLS from the start, as on port 465 (RFC 8314). Default false. */
      secure: z.boolean().default(false).meta({ description: 'Speak TLS from the start' }),
      /** How TLS is spoken, with `starttls` or `secure`. */
      tls: tlsSettings.optional().meta({ description: 'How TLS is spoken' }),
    })
    .refine(({ starttls, secure }) => !(starttls && secure), 'Give starttls or secure, not both')
    .refine(({ starttls, secure, tls }) => !tls || starttls || secure, 'tls needs starttls or secure'),
  facts: ['code', 'extensions', 'certificate'],
  secret: ['tls.key'],
  run(context) {
    const { ehlo: name, starttls, secure, tls } = context.config;
    const manner = { ...(secure && { tls: tls ?? { verify: true } }), wrong: 'The answer is not SMTP' };
    return conversing(context, manner, async (conversation) => {
      await reply(conversation.reader, 'SMTP', 'greeting', 220);
      let extensions = await ehlo(conversation, name);
      if (starttls) {
        await smtpStartTls(conversation, extensions);
        await conversation.secure(tls);
        extensions = await ehlo(conversation, name);
      }
      const responseTimeMs = conversation.elapsed();
      conversation.say('QUIT\r\n');
      return { responseTimeMs, message: 'Answered SMTP 250', facts: { code: 250, extensions } };
    });
  },
});
