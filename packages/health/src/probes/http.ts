import type { TLSSocket } from 'node:tls';
import { see } from './http/exchange.js';
import { authorityOf, follow, type Hop } from './http/redirect.js';
import { httpSettings, isRight, secretHeaders, type HttpSettings } from './http/settings.js';
import { defineProbe, WrongAnswer, type Observation, type Phases, type ProbeContext } from './probe.js';
import { certificateFacts, connectTls, worryOf, type TlsSettings } from './tls-settings.js';

/**
 * Sends a request and judges the status of its answer: 5xx is wrong unless `status` says otherwise. A redirect is an
 * answer like others, unless `redirects` lets it be followed; each hop is judged by the connector again. Over https the
 * certificate must be valid for the host. The response time ends with the answer's head, and leaves names out.
 */
export const httpProbe = (secure: boolean) =>
  defineProbe({
    serviceType: secure ? 'https' : 'http',
    summary: 'Sends a request and judges the status of its answer.',
    addressing: 'port',
    config: secure
      ? httpSettings
      : httpSettings.refine(({ tls }) => tls === undefined, { path: ['tls'], message: 'This is for https alone' }),
    facts: ['status', 'version', 'headers', 'body', 'size', 'redirects', 'certificate'],
    secret: ['auth.password', 'auth.token', ...secretHeaders.map((name) => `headers.${name}`), 'tls.key'],
    sent: ['path', 'headers', 'body'],
    lacking: ({ read }) => (read ? [] : ['body', 'size']),
    async run(context) {
      const { host, port, config } = context;
      const { method, path, body } = config;
      let hop: Hop = { secure, host, port, method, path, headers: askedWith(config), body, away: false };
      let spentMs = 0;
      for (let redirects = 0; ; redirects++) {
        const visit = await ask(context, hop, spentMs, redirects);
        if ('observation' in visit) return visit.observation;
        if (redirects === config.redirects) throw tooMany(visit.spentMs);
        [hop, spentMs] = [visit.next, visit.spentMs];
      }
    },
  });

const tooMany = (responseTimeMs: number): Error =>
  new WrongAnswer('There are too many redirects', { code: 'redirects_exceeded', responseTimeMs });

/** One request and its answer: what was observed, or where to go on. `spentMs` is what came before. */
async function ask(
  { connector, config, timeoutMs, stop: signal, clock }: ProbeContext<HttpSettings>,
  hop: Hop,
  spentMs: number,
  redirects: number,
): Promise<{ observation: Observation } | { next: Hop; spentMs: number }> {
  const startedAt = clock.monotonic();
  const { host, port } = hop;
  const tls = hop.secure ? connectTls(tlsFor(hop, config.tls), ['http/1.1']) : undefined;
  const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal, ...(tls && { tls }) });
  try {
    const sinceStart = (): number => clock.monotonic() - startedAt - timings.dnsMs;
    const connectedMs = sinceStart();
    const seen = tls ? certificateFacts(socket as TLSSocket, config.tls, clock.now()) : undefined;
    const asked = { ...hop, headers: { host: authorityOf(hop), ...hop.headers } };
    const answer = await see(socket, asked, config.read, signal);
    const headMs = sinceStart();
    const responseTimeMs = spentMs + headMs;
    const phases: Phases = {
      dnsMs: timings.dnsMs,
      connectMs: timings.connectMs,
      ...(tls && { tlsMs: timings.tlsMs }),
      firstByteMs: headMs - connectedMs,
    };
    const next = config.redirects > 0 ? follow(hop, answer.status, answer.headers().location) : undefined;
    if (next) return { next, spentMs: responseTimeMs };
    const { status, version } = answer;
    const message = `Answered HTTP ${status}`;
    if (!isRight(status, config.status))
      throw new WrongAnswer(message, { code: 'status_unexpected', responseTimeMs, phases });
    const body = await answer.body?.(config.limit);
    if (body) phases.transferMs = sinceStart() - headMs;
    const facts = {
      status,
      version,
      // Only conditions look at them.
      get headers() {
        return answer.headers();
      },
      redirects,
      ...(body && { body: body.toString('utf8'), size: body.length }),
      ...(seen && { certificate: seen.certificate }),
    };
    return { observation: { responseTimeMs, message, phases, facts, ...worryOf(seen) } };
  } finally {
    socket.destroy();
  }
}

function askedWith({ auth, headers }: HttpSettings): Record<string, string> {
  if (!auth) return headers;
  const credentials =
    'token' in auth
      ? `Bearer ${auth.token}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  return { ...headers, authorization: credentials };
}

/** Another origin has another name, and is not shown our certificate. */
function tlsFor({ away }: Hop, settings: TlsSettings | undefined): TlsSettings | undefined {
  if (!away || !settings) return settings;
  const { servername, cert, key, ...others } = settings;
  return others;
}
