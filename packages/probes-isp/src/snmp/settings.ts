import { z } from 'zod';
import { arcsOf } from './ber.js';
import { authProtocols, privacyProtocols } from './security.js';

const keys = <Name extends string>(table: Readonly<Record<Name, unknown>>) => Object.keys(table) as [Name, ...Name[]];
const text = (bytes: number) =>
  z.string().refine((value) => Buffer.byteLength(value) <= bytes, `At most ${bytes} bytes of UTF-8`);

function isObjectId(oid: string): boolean {
  const [first = 3, second = 40, ...rest] = arcsOf(oid);
  return first <= 2 && second <= (first < 2 ? 39 : 0xffffffff) && rest.every((arc) => arc <= 0xffffffff);
}

const bounds = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'Give min, max or both');

const object = z.strictObject({
  /** Its name in numbers, down to the instance: `1.3.6.1.2.1.1.3.0`. */
  oid: z
    .string()
    .max(1_000)
    .regex(/^\.?\d{1,10}(?:\.\d{1,10}){1,127}$/, 'Give numbers with dots between them, such as 1.3.6.1.2.1.1.3.0')
    .refine(isObjectId, 'There is no such object identifier')
    .meta({ description: 'Its name in numbers, down to the instance', examples: ['1.3.6.1.2.1.1.3.0'] }),
  /** What conditions call it: `values.uptime`. Default: its `oid`. */
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,39}$/, 'Give letters, digits, "_" and "-"')
    .optional()
    .meta({ description: 'What conditions call it, as in values.uptime. Default: its oid', examples: ['uptime'] }),
  /** Outside of these the endpoint is degraded. */
  warning: bounds.optional().meta({ description: 'Outside of these it is degraded' }),
  /** Outside of these the endpoint is critical. */
  critical: bounds.optional().meta({ description: 'Outside of these it is critical' }),
  /** Whether the agent may have no such object. Default false: that is a wrong answer. */
  optional: z.boolean().default(false).meta({ description: 'The agent may have no such object' }),
});

/** sysUpTime: every agent has it. */
const uptime = { oid: '1.3.6.1.2.1.1.3.0', name: 'uptime', optional: false };

const password = text(256).min(8, 'At least 8 characters');

/** What an SNMP check asks for, as whom, and what its values may be. */
export const snmpSettings = z
  .strictObject({
    /** Default `2c`. */
    version: z.enum(['2c', '3']).default('2c').meta({ description: 'The version of SNMP' }),
    /** For 2c; a secret. Default `public`. */
    community: text(255).min(1).optional().meta({ description: 'For 2c; a secret. Default: public' }),
    /** For 3: the user, and with a key it proves itself (authNoPriv). */
    auth: z
      .strictObject({
        username: text(32).min(1),
        protocol: z.enum(keys(authProtocols)).default('sha256').meta({ description: 'The hash of authentication' }),
        key: password.optional().meta({ description: 'The password of authentication; a secret' }),
      })
      .optional()
      .meta({ description: 'For 3: the user, who proves himself when there is a key' }),
    /** For 3: encrypts (authPriv). */
    privacy: z
      .strictObject({
        protocol: z.enum(keys(privacyProtocols)).default('aes').meta({ description: 'The cipher' }),
        key: password.meta({ description: 'The password of privacy; a secret' }),
      })
      .optional()
      .meta({ description: 'For 3: encrypts, which takes a key of authentication too' }),
    /** For 3: the context's name. Default none. */
    context: text(255).default('').meta({ description: 'For 3: the name of the context' }),
    /** What to ask for, 1 to 20 objects in one question. Default: sysUpTime, as `uptime`. */
    oids: z
      .array(object)
      .min(1)
      .max(20)
      .default([uptime])
      .meta({ description: 'What to ask for. Default: sysUpTime, as uptime' }),
  })
  .superRefine(({ version, community, auth, privacy, context: name, oids }, context) => {
    const miss = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (version === '3' && !auth) miss('auth', 'Version 3 takes a user');
    if (version === '3' && community !== undefined) miss('community', 'Version 3 takes none');
    if (version === '2c' && (auth || privacy || name !== '')) miss('version', 'Users, privacy and contexts are of 3');
    if (privacy && auth?.key === undefined) miss('privacy', 'Privacy takes a key of authentication too');
    if (new Set(oids.map(nameOf)).size < oids.length) miss('oids', 'Two of them have one name');
  });

/** @see snmpSettings */
export type SnmpSettings = z.output<typeof snmpSettings>;
/** One object that is asked for. */
export type AskedObject = SnmpSettings['oids'][number];

/** What facts and messages call an object. */
export function nameOf({ oid, name }: Pick<AskedObject, 'oid' | 'name'>): string {
  return name ?? plainOid(oid);
}

/** Without the dot that some begin with, and without zeros that say nothing. */
export function plainOid(oid: string): string {
  return arcsOf(oid).join('.');
}
