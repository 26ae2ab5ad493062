/** Why a connection did not come about. */
export type ConnectFailureCode =
  | 'denied'
  | 'name_not_found'
  | 'dns_failed'
  | 'refused'
  | 'timeout'
  | 'reset'
  | 'unreachable'
  | 'tls_failed'
  | 'certificate_expired'
  | 'certificate_invalid'
  | 'aborted'
  | 'out_of_descriptors'
  | 'failed';

/** One fixed sentence per code: no address, no name, nothing that a driver or the other side wrote. */
const messages: Record<ConnectFailureCode, string> = {
  denied: 'Connecting there is not allowed.',
  name_not_found: 'The name does not exist.',
  dns_failed: 'The name could not be looked up.',
  refused: 'The connection was refused.',
  timeout: 'The connection took too long.',
  reset: 'The connection was closed by the other side.',
  unreachable: 'The network or host cannot be reached.',
  tls_failed: 'TLS could not be agreed on.',
  certificate_expired: 'The certificate is expired or not valid yet.',
  certificate_invalid: 'The certificate is not trusted, or is for another name.',
  aborted: 'The connection was given up by the caller.',
  out_of_descriptors: 'This process has no socket left to connect with.',
  failed: 'The connection failed.',
};

/** Codes that say something about this process or its surroundings and nothing about the target. */
const ownTroubles: ReadonlySet<ConnectFailureCode> = new Set(['dns_failed', 'out_of_descriptors']);

/** Codes that say that the other side was reached, and not trusted. */
const ofTls: ReadonlySet<ConnectFailureCode> = new Set(['tls_failed', 'certificate_expired', 'certificate_invalid']);

/** The codes of errno, c-ares, Node, OpenSSL and drivers that have a meaning here. */
const codes: Readonly<Record<string, ConnectFailureCode>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EAFNOSUPPORT: 'unreachable',
  EMFILE: 'out_of_descriptors',
  ENFILE: 'out_of_descriptors',
  ENOBUFS: 'out_of_descriptors',
  ENOMEM: 'out_of_descriptors',
  EADDRNOTAVAIL: 'out_of_descriptors',
  ENOTFOUND: 'name_not_found',
  ENODATA: 'name_not_found',
  EAI_AGAIN: 'dns_failed',
  ESERVFAIL: 'dns_failed',
  EREFUSED: 'dns_failed',
  EFORMERR: 'dns_failed',
  EBADRESP: 'dns_failed',
  ENOTIMP: 'dns_failed',
  ETIMEOUT: 'dns_failed',
  ECANCELLED: 'dns_failed',
  ABORT_ERR: 'aborted',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  CRL_HAS_EXPIRED: 'certificate_expired',
  CRL_NOT_YET_VALID: 'certificate_expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_invalid',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_invalid',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_invalid',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_invalid',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_invalid',
  UNABLE_TO_GET_CRL: 'certificate_invalid',
  CERT_SIGNATURE_FAILURE: 'certificate_invalid',
  CERT_CHAIN_TOO_LONG: 'certificate_invalid',
  CERT_REVOKED: 'certificate_invalid',
  CERT_REJECTED: 'certificate_invalid',
  CERT_UNTRUSTED: 'certificate_invalid',
  INVALID_CA: 'certificate_invalid',
  INVALID_PURPOSE: 'certificate_invalid',
  HOSTNAME_MISMATCH: 'certificate_invalid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_invalid',
  ERR_TLS_CERT_ALTNAME_FORMAT: 'certificate_invalid',
  EPROTO: 'tls_failed',
  // mysql2, of a server without TLS.
  HANDSHAKE_NO_SSL_SUPPORT: 'tls_failed',
};

/** What OpenSSL says of a certificate that it does not trust (X509_verify_cert_error_string). */
const untrusted =
  /^(?:self[- ]signed certificate|unable to (?:get|verify)|certificate (?:signature failure|rejected|revoked|not trusted|chain too long)|invalid (?:CA|purpose)|unsuitable certificate purpose|hostname mismatch)/i;

/**
 * What went wrong when a mysql2 connection was to be secured. The driver puts a code of its own in the place of the one
 * that says so; the words of OpenSSL and the certificate of another name are left.
 */
function mysqlTlsCode({ message, cert }: { message?: unknown; cert?: unknown }): ConnectFailureCode {
  const text = typeof message === 'string' ? message : '';
  if (/^(?:certificate|CRL) (?:has expired|is not yet valid)/i.test(text)) return 'certificate_expired';
  return cert !== undefined || untrusted.test(text) ? 'certificate_invalid' : 'tls_failed';
}

/** What pg says, without a code, of a server without TLS. */
const pgWithoutTls = 'The server does not support SSL connections';

const brand = Symbol.for('dotmac.ConnectFailure');

/**
 * A connection that did not come about. Its message is fixed by its code and it carries no cause: what drivers and
 * peers write may hold passwords or banners.
 */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  readonly [brand] = true;
  /** Whether the trouble is ours (DNS servers, descriptors) and so says nothing about the target. */
  readonly ownTrouble: boolean;
  /** Whether the target was reached, and TLS with it did not come about. */
  readonly ofTls: boolean;

  constructor(readonly code: ConnectFailureCode) {
    super(messages[code]);
    this.ownTrouble = ownTroubles.has(code);
    this.ofTls = ofTls.has(code);
  }
}

/** Whether something thrown is a {@link ConnectFailure}, of this copy of the package or another one. */
export function isConnectFailure(error: unknown): error is ConnectFailure {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The {@link ConnectFailure} for any error of a socket, of TLS, of c-ares or of a driver above them. */
export function connectFailureOf(error: unknown): ConnectFailure {
  if (isConnectFailure(error)) return error;
  const thrown: Partial<Record<'code' | 'name' | 'message' | 'cert', unknown>> =
    typeof error === 'object' && error !== null ? error : {};
  const { code, name, message } = thrown;
  if (code === 'HANDSHAKE_SSL_ERROR') return new ConnectFailure(mysqlTlsCode(thrown));
  if (message === pgWithoutTls) return new ConnectFailure('tls_failed');
  if (typeof code === 'string') {
    const known = Object.hasOwn(codes, code) ? codes[code] : undefined;
    if (known) return new ConnectFailure(known);
    if (/^ERR_(SSL|TLS|OSSL)_/.test(code)) return new ConnectFailure('tls_failed');
  }
  if (name === 'TimeoutError') return new ConnectFailure('timeout');
  return new ConnectFailure(name === 'AbortError' ? 'aborted' : 'failed');
}

/** The {@link ConnectFailure} for the reason of an aborted signal. */
export function abortFailure(reason: unknown): ConnectFailure {
  if (isConnectFailure(reason)) return reason;
  const name = (reason as { name?: unknown } | undefined)?.name;
  return new ConnectFailure(name === 'TimeoutError' ? 'timeout' : 'aborted');
}
