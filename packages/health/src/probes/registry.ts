import type { Endpoint } from '../endpoints/endpoint.js';
import { httpProbe } from './http.js';
import type { Probe } from './probe.js';
import { tcpProbe } from './tcp.js';

/** The probe of each service type. */
export const probes: Record<Endpoint['serviceType'], Probe> = {
  tcp: tcpProbe,
  http: httpProbe(false),
  https: httpProbe(true),
};
