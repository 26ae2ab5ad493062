import { coreErrors } from '@dotmac/core';
import { parseConnectionString, type Connector } from '@dotmac/core/net';
import { askServer } from './ask-server.js';
import type { ServiceTarget } from './target.js';

/**
 * A service named by a connection string from a request. The string is read into our own fields, the socket comes
 * from the guarded connector, and the driver speaks over that socket alone.
 * @throws INVALID_ARGUMENT for a string that is none; it never repeats any of it
 */
export function adHocTarget(
  connectionString: string,
  serviceType: 'database' | 'redis',
  connector: Connector,
  timeoutMs: number,
): ServiceTarget {
  const target = parseConnectionString(connectionString);
  if ((target.protocol === 'redis') !== (serviceType === 'redis'))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'connection_string', reason: `it names no ${serviceType}` });
  const { protocol, host, port, tls, verify } = target;
  return {
    serviceType,
    async check(signal) {
      const secured = protocol === 'redis' && tls ? { tls: { servername: host, rejectUnauthorized: verify } } : {};
      // Before the check's own deadline, so that a silent name server of ours is seen to be that.
      const { socket } = await connector.connect({ host, port, timeoutMs: 0.9 * timeoutMs, signal, ...secured });
      const login = { ...target, tls: tls ? { rejectUnauthorized: verify } : undefined };
      return { facts: await askServer(protocol, login, { host, port, socket, timeoutMs }, signal) };
    },
  };
}
