import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../clock.js';
import type { StopSignal } from '../stop.js';
import type { Verdict } from './judge-address.js';
import type { EgressPolicy } from './policy.js';
import type { Resolver } from './resolve.js';

/** TLS over the connection. Verification is on unless it is switched off in so many words. */
export interface ConnectTls {
  /** The name to ask for and to verify; default: `host`. */
  servername?: string;
  /** Default true. */
  rejectUnauthorized?: boolean;
  /** Certificate authorities to trust in place of the bundled ones, PEM. */
  ca?: string | readonly string[];
  alpnProtocols?: readonly string[];
  /** A certificate of ours and its key, PEM, for servers that ask for one. */
  cert?: string;
  key?: string;
}

/** What to connect to, and how long that may take as a whole: name, connection and TLS. */
export interface ConnectOptions {
  /** A name or an address. */
  host: string;
  port: number;
  /** For all of it: resolving, connecting, and TLS. */
  timeoutMs: number;
  /** Gives it up. */
  signal?: StopSignal;
  /** Speak TLS on it. Default a plain connection. */
  tls?: ConnectTls;
}

/** A connected socket, and how long its parts took in milliseconds (0 for parts that there were not). */
export interface Connection {
  /** A `TLSSocket` when TLS was asked for. Its 'error' is listened to already; 'close' follows every error. */
  socket: Socket;
  remoteAddress: string;
  timings: { dnsMs: number; connectMs: number; tlsMs: number };
}

/** The way out to whatever a request, a tenant or a monitored host names: nothing else of dotmac opens sockets to these. */
export interface Connector {
  /**
   * Connects if the policy allows every address that the host resolves to; one denied address among them denies all.
   * @throws ConnectFailure; INVALID_ARGUMENT when `host` or `tls.servername` is no host
   */
  connect(options: ConnectOptions): Promise<Connection>;
  /**
   * Agrees on TLS over a connection made before, as protocols with STARTTLS do; destroys the socket when that fails.
   * @throws ConnectFailure; INVALID_ARGUMENT when `host` or `tls.servername` is no host
   */
  secure(
    socket: Socket,
    options: { host: string; timeoutMs: number; signal?: StopSignal; tls?: ConnectTls },
  ): Promise<{ socket: TLSSocket; tlsMs: number }>;
  /**
   * The addresses of a host as `connect` would take them: resolved once and all judged, for programs that are given an
   * address. `port` is what they are judged with; default 7 (echo), for those that speak of no port.
   * @throws ConnectFailure as `connect` does; INVALID_ARGUMENT when `host` is no host
   */
  resolve(options: {
    host: string;
    port?: number;
    timeoutMs: number;
    signal?: StopSignal;
  }): Promise<{ addresses: readonly string[]; dnsMs: number }>;
  /**
   * Sends a datagram and waits for its reply: each judged address of the host in turn, with its share of the time.
   * `accept` reads a reply, and gives undefined for what is none; `say` sends the next question of a longer
   * conversation from the same port. With `resendAfterMs` the last question is sent again after so long without a
   * reply, then after twice as long, and so on. `tookMs` is that of the address that answered.
   * @throws ConnectFailure: what went wrong first; INVALID_ARGUMENT when `host` is no host
   */
  exchange<Reply>(options: {
    host: string;
    port: number;
    timeoutMs: number;
    signal?: StopSignal;
    message: Uint8Array;
    accept: (message: Buffer, say: (next: Uint8Array) => void) => Reply | undefined;
    resendAfterMs?: number;
  }): Promise<{ reply: Reply; dnsMs: number; tookMs: number }>;
  /**
   * The verdict on a host that is an address in any spelling; undefined for names, which are judged by what they
   * resolve to at each connection. `port` as for `resolve`.
   * @throws INVALID_ARGUMENT when `host` is no host
   */
  judgeHost(host: string, port?: number): Verdict | undefined;
}

/** Settings of `createConnector`. */
export interface ConnectorOptions {
  /** Default: `publicOnly`. */
  policy?: EgressPolicy;
  /** Default: a resolver of its own. */
  resolver?: Resolver;
  /** Default: the system clock. */
  clock?: Clock;
}
