import { isDeepStrictEqual } from 'node:util';
import type { EndpointRecord } from './endpoint.js';

type Asked = Pick<EndpointRecord, 'serviceType' | 'host' | 'port' | 'config' | 'conditions'>;

/**
 * Whether two endpoints are asked the same, in the same place. Conditions are part of it: by what they say of one guess
 * after the other, an answer could be spelled out.
 */
export function asksTheSame(one: Asked, other: Asked): boolean {
  const askedOf = ({ serviceType, host, port, config, conditions }: Asked) => [
    serviceType,
    host,
    port,
    config,
    conditions,
  ];
  return isDeepStrictEqual(askedOf(one), askedOf(other));
}
