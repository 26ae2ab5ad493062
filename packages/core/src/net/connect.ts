import type { ConnectionOptions } from 'node:tls';
import { systemClock } from '../clock.js';
import { Stop, type StopSignal } from '../stop.js';
import { plainAddress } from './address-classes.js';
import { canonicalHost, type CanonicalHost } from './canonical-host.js';
import { abortFailure, ConnectFailure, connectFailureOf, type ConnectFailureCode } from './connect-failure.js';
import type { Connection, Connector, ConnectorOptions, ConnectOptions, ConnectTls } from './connector.js';
import { exchangeDatagram } from './exchange-datagram.js';
import { compilePolicy } from './judge-address.js';
import { openSocket, startTls } from './open-socket.js';
import { publicOnly } from './policy.js';
import { createResolver } from './resolve.js';

/** An address as it is connected to. */
interface Target {
  address: string;
  family: 4 | 6;
}

/** What stands in for a port where there is none (RFC 862). */
const echoPort = 7;

/** No address of several gets less than this to answer, deadline permitting. */
const shortestAttemptMs = 250;

/**
 * A connector under one policy. It decides on addresses, not on text: it resolves once, judges all answers, connects
 * to exactly those, and looks at the address of the connected socket before it hands it over.
 * @throws INVALID_ARGUMENT when a rule of the policy is not one
 */
export function createConnector(settings: ConnectorOptions = {}): Connector {
  const { policy = publicOnly, clock = systemClock, resolver = createResolver({ clock }) } = settings;
  const { judge } = compilePolicy(policy);

  /** The addresses to connect to, all of them judged. */
  const judged = (answers: readonly string[], port: number, name?: string): Target[] => {
    if (answers.length === 0) throw new ConnectFailure('name_not_found');
    if (!answers.every((address) => judge(address, port, name).allowed)) throw new ConnectFailure('denied');
    return answers.flatMap((address) => plainAddress(address) ?? []);
  };
  const targetsOf = async (host: CanonicalHost, port: number, signal: StopSignal): Promise<Target[]> =>
    host.kind === 'address'
      ? judged([host.address], port)
      : judged(await resolver.resolve(host.name, signal).catch(blameLookup), port, host.name);
  /** The short way of most checks: an address, and no TLS; one timer and nothing to wait for beside it. */
  const openAddress = (address: string, { port, timeoutMs, signal }: ConnectOptions): Promise<Connection> => {
    const startedAt = clock.monotonic();
    const [target] = judged([address], port) as [Target];
    return openSocket({ port, ...target }, timeoutMs, clock, signal).then((socket) => {
      const timings = { dnsMs: 0, connectMs: clock.monotonic() - startedAt, tlsMs: 0 };
      return { socket, remoteAddress: target.address, timings };
    });
  };

  const open = async (options: ConnectOptions, host: CanonicalHost, signal: StopSignal): Promise<Connection> => {
    const { port, timeoutMs } = options;
    const tls = options.tls && tlsOptions(host, options.tls);
    const startedAt = clock.monotonic();
    const targets = await targetsOf(host, port, signal);
    const resolvedAt = clock.monotonic();
    const failures: ConnectFailure[] = [];
    for (const [index, target] of targets.entries()) {
      const remainingMs = timeoutMs - (clock.monotonic() - startedAt);
      const attemptMs = Math.max(remainingMs / (targets.length - index), shortestAttemptMs);
      try {
        const socket = await openSocket({ port, ...target }, attemptMs, clock, signal);
        const connectedAt = clock.monotonic();
        const secured = tls ? await startTls(socket, tls, signal) : socket;
        const timings = {
          dnsMs: host.kind === 'name' ? resolvedAt - startedAt : 0,
          connectMs: connectedAt - resolvedAt,
          tlsMs: tls ? clock.monotonic() - connectedAt : 0,
        };
        return { socket: secured, remoteAddress: target.address, timings };
      } catch (error) {
        const failure = connectFailureOf(error);
        if (!worthAnother.has(failure.code)) throw failure;
        failures.push(failure);
      }
    }
    // The first answer that says something about the target; an address family that this machine lacks says nothing.
    throw failures.find(({ code, ownTrouble }) => code !== 'unreachable' && !ownTrouble) ?? failures[0];
  };

  /** Runs `work` under a deadline and the caller's signal; what it throws then is a ConnectFailure. */
  const within = async <Result>(
    { timeoutMs, signal }: { timeoutMs: number; signal?: StopSignal },
    work: (signal: StopSignal) => Promise<Result>,
  ): Promise<Result> => {
    if (signal?.aborted) throw abortFailure(signal.reason);
    const stop = new Stop();
    const onAbort = (): void => stop.abort(abortFailure(signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    const cancel = clock.after(timeoutMs, () => stop.abort(new ConnectFailure('timeout')));
    try {
      return await work(stop);
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  };

  return {
    async connect(options) {
      const host = canonicalHost(options.host);
      if (host.kind === 'address' && !options.tls) return openAddress(host.address, options);
      return within(options, (signal) => open(options, host, signal));
    },
    async secure(socket, options) {
      const tls = tlsOptions(canonicalHost(options.host), options.tls ?? {});
      const startedAt = clock.monotonic();
      const secured = await within(options, (signal) => startTls(socket, tls, signal));
      return { socket: secured, tlsMs: clock.monotonic() - startedAt };
    },
    async resolve(options) {
      const host = canonicalHost(options.host);
      const startedAt = clock.monotonic();
      const targets = await within(options, (signal) => targetsOf(host, options.port ?? echoPort, signal));
      const dnsMs = host.kind === 'name' ? clock.monotonic() - startedAt : 0;
      return { addresses: targets.map(({ address }) => address), dnsMs };
    },
    async exchange(options) {
      const { port, timeoutMs, signal, message, accept, resendAfterMs } = options;
      const host = canonicalHost(options.host);
      const beganAt = clock.monotonic();
      const targets = await within(options, (stop) => targetsOf(host, port, stop));
      const dnsMs = host.kind === 'name' ? clock.monotonic() - beganAt : 0;
      const failures: ConnectFailure[] = [];
      for (const [index, target] of targets.entries()) {
        const startedAt = clock.monotonic();
        const limitMs = (beganAt + timeoutMs - startedAt) / (targets.length - index);
        try {
          const sent = { port, message, accept, resendAfterMs, ...target };
          const reply = await exchangeDatagram(sent, limitMs, clock, signal);
          return { reply, dnsMs, tookMs: clock.monotonic() - startedAt };
        } catch (error) {
          failures.push(connectFailureOf(error));
          if (signal?.aborted) break;
        }
      }
      // An address family that this machine lacks says nothing of the server.
      throw failures.find(({ code }) => code !== 'unreachable') ?? failures[0] ?? new ConnectFailure('timeout');
    },
    judgeHost(text, port = echoPort) {
      const host = canonicalHost(text);
      return host.kind === 'address' ? judge(host.address, port) : undefined;
    },
  };
}

/** What another address of the same name may do better. TLS is not among it: the target answered. */
const worthAnother: ReadonlySet<ConnectFailureCode> = new Set<ConnectFailureCode>([
  'refused',
  'timeout',
  'reset',
  'unreachable',
  'out_of_descriptors',
  'failed',
]);

/** The target cannot be late before anybody has asked it. */
function blameLookup(error: unknown): never {
  throw connectFailureOf(error).code === 'timeout' ? new ConnectFailure('dns_failed') : error;
}

/** `host` is what Node verifies when there is no server name; without it, it would verify "localhost". */
function tlsOptions(host: CanonicalHost, tls: ConnectTls): ConnectionOptions {
  const wanted = tls.servername === undefined ? host : canonicalHost(tls.servername);
  return {
    ...(wanted.kind === 'name' ? { host: wanted.name, servername: wanted.name } : { host: wanted.address }),
    rejectUnauthorized: tls.rejectUnauthorized ?? true,
    ...(tls.ca === undefined ? {} : { ca: typeof tls.ca === 'string' ? tls.ca : [...tls.ca] }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.alpnProtocols ? { ALPNProtocols: [...tls.alpnProtocols] } : {}),
  };
}
