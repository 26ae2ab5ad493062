import { isOperationError } from '@dotmac/core';
import { parseConnectionString, type ConnectionTarget } from '@dotmac/core/net';
import { CannotCarry, type Draft } from './carried.js';

type Target = Pick<Draft, 'host' | 'port' | 'serviceType' | 'config' | 'secrets'>;

/**
 * A connection string as an endpoint; its password, or the one that is kept apart from it, goes into the secrets.
 * @throws CannotCarry, without a word of it
 */
export function databaseServer(connectionString: string, apart?: string): Target {
  const { protocol, host, port, user, password = apart, database, tls, verify } = parsed(connectionString);
  const auth = {
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password: '${secrets.password}' }),
  };
  const isRedis = protocol === 'redis';
  return {
    host,
    port,
    serviceType: isRedis ? 'redis_server' : protocol,
    config: {
      ...(Object.keys(auth).length > 0 && { auth }),
      ...(database !== undefined && { database: isRedis ? Number(database) : database }),
      ...(tls && { tls: { verify } }),
    },
    secrets: password === undefined ? {} : { password },
  };
}

function parsed(connectionString: string): ConnectionTarget {
  try {
    return parseConnectionString(connectionString);
  } catch (error) {
    if (!isOperationError(error)) throw error;
    throw new CannotCarry('Its connection string is none of scheme://user:password@host:port/name');
  }
}
