import { z } from 'zod';
import { askServer, type ServerProtocol } from '../service-checks/ask-server.js';
import { redisFacts } from '../service-checks/redis.js';
import { defineProbe, isWrongAnswer, timed, type Phases } from './probe.js';
import { connectTls, tlsSettings } from './tls-settings.js';

const login = {
  /** Whom to be. */
  auth: z
    .strictObject({
      username: z.string().min(1).max(128).optional(),
      password: z.string().max(1_024).optional().meta({ description: 'A secret: ${secrets.password}' }),
    })
    .default({}),
  /** TLS, from the start (Redis) or agreed on (PostgreSQL, MySQL). */
  tls: tlsSettings.omit({ days: true }).optional().meta({ description: 'Speak TLS' }),
};
const named = z.strictObject({
  ...login,
  database: z.string().min(1).max(64).optional().meta({ description: 'The name of the database' }),
});
const numbered = z.strictObject({
  ...login,
  database: z.int().min(0).max(65_535).optional().meta({ description: 'The number of the database' }),
});

interface Server {
  serviceType: string;
  protocol: ServerProtocol;
  summary: string;
  config: z.ZodType<Omit<z.output<typeof named>, 'database'> & { database?: string | number | undefined }>;
  facts: readonly string[];
}

/**
 * Logs in to a server as a client does, and asks it something real. The connection is the check's own, opened by the
 * guarded connector and closed after it. The response time goes from connecting to the answer, without the name's
 * resolution.
 */
const serverProbe = ({ protocol, config: settings, ...described }: Server) =>
  defineProbe({
    ...described,
    addressing: 'port',
    config: settings,
    secret: ['auth.password', 'tls.key'],
    async run({ connector, host, port, config: { auth, database, tls: given }, timeoutMs, signal, clock }) {
      const startedAt = clock.monotonic();
      const tls = given && connectTls(given);
      const secured = protocol === 'redis' && tls ? { tls } : {};
      const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal, ...secured });
      const { dnsMs, connectMs, tlsMs } = timings;
      const elapsed = (): number => clock.monotonic() - startedAt - dnsMs;
      const connectedMs = elapsed();
      const phases: Phases = { dnsMs, connectMs, ...(secured.tls && { tlsMs }) };
      const asked = { user: auth.username, password: auth.password, database: database?.toString(), tls };
      try {
        const facts = await askServer(protocol, asked, { host, port, socket, timeoutMs }, signal);
        const responseTimeMs = elapsed();
        phases.firstByteMs = responseTimeMs - connectedMs;
        return { responseTimeMs, message: 'Logged in, and it answered', phases, facts };
      } catch (error) {
        throw isWrongAnswer(error) ? timed(error, elapsed(), phases) : error;
      }
    },
  });

/** PostgreSQL, by a login of the endpoint's own (`config.auth`); its user is `postgres` unless one is given. */
export const postgresProbe = serverProbe({
  serviceType: 'postgres',
  protocol: 'postgres',
  summary: 'Logs in to a PostgreSQL and asks for its version.',
  config: named,
  facts: ['dialect', 'version'],
});

/** MySQL or MariaDB, by a login of the endpoint's own (`config.auth`). */
export const mysqlProbe = serverProbe({
  serviceType: 'mysql',
  protocol: 'mysql',
  summary: 'Logs in to a MySQL or MariaDB and asks for its version.',
  config: named,
  facts: ['dialect', 'version'],
});

/** Redis, by a login of the endpoint's own if it has one; `redis` is for a client of the host's. */
export const redisServerProbe = serverProbe({
  serviceType: 'redis_server',
  protocol: 'redis',
  summary: 'Connects to a Redis, and asks how it is.',
  config: numbered,
  facts: redisFacts,
});
