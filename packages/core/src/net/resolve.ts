import { promises as dns, type RecordWithTtl } from 'node:dns';
import { systemClock, type Clock } from '../clock.js';
import type { StopSignal } from '../stop.js';
import { answerCache } from './answer-cache.js';
import { canonicalHost } from './canonical-host.js';
import { ConnectFailure, connectFailureOf } from './connect-failure.js';
import { hostsFile } from './hosts-file.js';

/** Settings of {@link createResolver}. */
export interface ResolverOptions {
  /** Default: the system clock. */
  clock?: Clock;
  /** How long one try waits for one DNS server, in milliseconds. Default 2000. */
  timeoutMs?: number;
  /** Tries per DNS server. Default 2. */
  tries?: number;
  /** DNS servers as `address` or `address:port`. Default: those of the system. */
  servers?: readonly string[];
  /** How many names are remembered. Default 10 000. */
  maxNames?: number;
  /** Default `/etc/hosts`. */
  hostsPath?: string;
}

/** Turns names into addresses. */
export interface Resolver {
  /**
   * Every address of a name, IPv4 first; an address is its own answer.
   * @throws INVALID_ARGUMENT when it is no host; ConnectFailure `name_not_found`, `dns_failed`, or `aborted`
   */
  resolve(name: string, signal?: StopSignal): Promise<readonly string[]>;
}

type Answer = { addresses: readonly string[] } | { failure: ConnectFailure };

/** A TTL of 0 is kept a moment all the same, so that a burst of checks is one question. */
const shortestKeepMs = 1_000;
const longestKeepMs = 300_000;
/** How long a name that does not exist, or that answered for one family only by accident, is believed. */
const doubtfulKeepMs = 5_000;

/**
 * A resolver on c-ares, which asks over its own sockets: the `dns.lookup` of Node waits in libuv's few threads, where
 * a handful of slow names stall every file and hash of the process. Answers are kept for their TTL (1 s to 5 min),
 * missing names for 5 s, failures not at all; the same name asked twice at once is one question. `localhost` and the
 * names under it are loopback without asking (RFC 6761, 6.3); the hosts file comes before DNS. Search domains are not
 * applied.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const { clock = systemClock, timeoutMs = 2_000, tries = 2, servers, maxNames = 10_000 } = options;
  const cache = answerCache<Answer>(maxNames, clock);
  const asking = new Map<string, Promise<Answer>>();
  const hosts = hostsFile(options.hostsPath ?? '/etc/hosts', clock);
  const resolver = new dns.Resolver({ timeout: timeoutMs, tries });
  if (servers) resolver.setServers(servers);
  // c-ares doubles its patience with every try and goes through all servers; nobody waits longer than this for it.
  const longestMs = timeoutMs * tries * 2;

  const ask = async (name: string): Promise<Answer> => {
    const local = (await hosts()).get(name);
    if (local) return { addresses: local };
    const questions = [resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })];
    const { answer, keepMs } = readAnswers(await within(clock, longestMs, Promise.allSettled(questions)));
    if (keepMs > 0) cache.set(name, answer, keepMs);
    return answer;
  };

  return {
    async resolve(text, signal) {
      if (signal?.aborted) throw connectFailureOf(signal.reason);
      const host = canonicalHost(text);
      if (host.kind === 'address') return [host.address];
      const { name } = host;
      if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
      let answer = cache.get(name);
      if (!answer) {
        let question = asking.get(name);
        if (!question) {
          question = ask(name).finally(() => asking.delete(name));
          asking.set(name, question);
        }
        answer = await orAborted(question, signal);
      }
      if ('failure' in answer) throw new ConnectFailure(answer.failure.code);
      return answer.addresses;
    },
  };
}

type Settled = PromiseSettledResult<RecordWithTtl[]>[] | undefined;

/** What A and AAAA say together. `settled` is undefined when the servers kept silent too long. */
function readAnswers(settled: Settled): { answer: Answer; keepMs: number } {
  const records = (settled ?? []).flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const codes = (settled ?? []).flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as { code?: unknown }).code] : [],
  );
  const missing = codes.filter((code) => code === 'ENOTFOUND' || code === 'ENODATA');
  const broken = !settled || missing.length < codes.length;
  if (records.length > 0) {
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
    const keepMs = Math.min(Math.max(ttlMs, shortestKeepMs), broken ? doubtfulKeepMs : longestKeepMs);
    return { answer: { addresses: [...new Set(records.map(({ address }) => address))] }, keepMs };
  }
  // ENOTFOUND speaks of the whole name, whatever the other question came to; ENODATA of one family only.
  if (codes.includes('ENOTFOUND') || !broken)
    return { answer: { failure: new ConnectFailure('name_not_found') }, keepMs: doubtfulKeepMs };
  return { answer: { failure: new ConnectFailure('dns_failed') }, keepMs: 0 };
}

async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T | undefined> {
  let cancel = (): void => {};
  const limit = new Promise<undefined>((resolve) => (cancel = clock.after(limitMs, () => resolve(undefined))));
  return Promise.race([work, limit]).finally(() => cancel());
}

function orAborted<T>(work: Promise<T>, signal: StopSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(connectFailureOf(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
