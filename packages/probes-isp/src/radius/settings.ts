import { z } from 'zod';

const text = (bytes: number) =>
  z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value) <= bytes, `At most ${bytes} bytes of UTF-8`);

/** What a RADIUS check asks, and which answer is right. */
export const radiusSettings = z
  .strictObject({
    /** `pap` and `chap` ask whether a user may enter; `status` asks the server for itself (RFC 5997). Default `pap`. */
    method: z.enum(['pap', 'chap', 'status']).default('pap').meta({ description: 'What is asked, and how' }),
    /** What server and client have in common; a secret. */
    secret: text(128).meta({ description: 'The shared secret; a secret' }),
    /** Who asks to enter, with a password of at most 128 bytes. None for `status`. */
    auth: z
      .strictObject({ username: text(253), password: text(128) })
      .optional()
      .meta({ description: 'Who asks to enter; password is a secret. None for status' }),
    /** The NAS-Identifier: under what name we ask. Default `dotmac`. */
    nas: text(253).default('dotmac').meta({ description: 'The NAS-Identifier to ask under' }),
    /** The answer that is right. Default `accept`. */
    expect: z
      .enum(['accept', 'reject', 'challenge', 'any'])
      .default('accept')
      .meta({ description: 'The answer that is right' }),
    /** Whether the answer must carry a Message-Authenticator, which keeps it from being forged. Default false. */
    signed: z.boolean().default(false).meta({ description: 'The answer must carry a Message-Authenticator' }),
  })
  .superRefine(({ method, auth, expect }, context) => {
    const miss = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (method !== 'status' && !auth) miss('auth', 'Give a username and a password');
    if (method === 'status' && auth) miss('auth', 'status asks for no user');
    if (method === 'status' && expect !== 'accept') miss('expect', 'There is one right answer to status');
  });

/** @see radiusSettings */
export type RadiusSettings = z.output<typeof radiusSettings>;
