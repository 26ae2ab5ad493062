import { describeError, type Clock, type Logger } from '@dotmac/core';
import { connectFailureOf, createConnector, type Connector } from '@dotmac/core/net';
import { nothingFound, type ProbeResult } from '../probes/judge.js';

/** Something that answers as long as this process has a network: a resolver, the gateway. */
export interface ConnectivityTarget {
  host: string;
  port: number;
}

/** How the process finds out whether it has a network itself. */
export interface ConnectivityOptions {
  /** Any one of them that takes or refuses a TCP connection is proof enough. Chosen by the host: no egress policy applies. */
  targets: readonly ConnectivityTarget[];
  /** How long each is waited for. Default 3,000 ms. */
  timeoutMs?: number;
}

/** Tells the loss of our own network from an endpoint that cannot be reached. */
export interface Connectivity {
  /** The result, or `unknown` when nothing at all can be reached. Looks only when something was not reached. */
  weigh(result: ProbeResult): Promise<ProbeResult>;
}

/** Checks that fail within this share one look; an older one may be from before the network was lost. */
const sharedMs = 250;

/** Makes a guard; one look serves however many checks fail at the same time. */
export function createConnectivity(
  { targets, timeoutMs = 3_000 }: ConnectivityOptions,
  {
    clock,
    logger,
    connector = hostsOwn(clock),
  }: { clock: Clock; logger: Logger; connector?: Pick<Connector, 'connect'> },
): Connectivity {
  let looked: { at: number; isConnected: Promise<boolean> } | undefined;
  let wasConnected = true;
  const reach = async ({ host, port }: ConnectivityTarget): Promise<void> => {
    try {
      (await connector.connect({ host, port, timeoutMs })).socket.destroy();
    } catch (error) {
      // Whoever refuses is there.
      if (connectFailureOf(error).code !== 'refused') throw error;
    }
  };
  const look = (): Promise<boolean> =>
    Promise.any(targets.map(reach)).then(
      () => true,
      (error: unknown) => {
        if (wasConnected)
          logger.error(describeError(error), 'nothing can be reached: checks that fail say nothing now');
        return false;
      },
    );
  const isConnected = async (): Promise<boolean> => {
    const now = clock.monotonic();
    if (!looked || now - looked.at >= sharedMs) looked = { at: now, isConnected: look() };
    const found = await looked.isConnected;
    if (found && !wasConnected) logger.info({}, 'the network is back');
    wasConnected = found;
    return found;
  };
  return {
    async weigh(result) {
      if (result.status !== 'offline' || (await isConnected())) return result;
      return nothingFound('own_network');
    },
  };
}

function hostsOwn(clock: Clock): Connector {
  return createConnector({ policy: { allow: ['loopback', 'private', 'public'] }, clock });
}
