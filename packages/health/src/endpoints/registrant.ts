import { z } from 'zod';

/** Who says where an endpoint lies: the host's own code, or a tenant. Each has networks of its own that it may name. */
export const registrant = z.enum(['host', 'tenant']);

/** @see registrant */
export type Registrant = z.output<typeof registrant>;

/** On whose word an endpoint lies where it does. For the host's own code alone: no request can say it. */
export interface RegisteringOptions {
  /** It may lie where `hostEgress` allows, not `egress`. Default false. */
  asHost?: boolean;
}

/** Who registers, as far as that was said. */
export function registrantOf({ asHost = false }: RegisteringOptions = {}): Registrant {
  return asHost ? 'host' : 'tenant';
}
