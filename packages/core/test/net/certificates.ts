import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and the certificate for it, PEM. */
export interface KeyPair {
  key: string;
  cert: string;
}

/** A certificate authority made for one test run, and what it signed. */
export interface Certificates {
  ca: string;
  /** For `localhost` and 127.0.0.1. */
  good: KeyPair;
  /** The same, ended yesterday. */
  expired: KeyPair;
  /** For `other.test` only. */
  other: KeyPair;
}

/** Makes {@link Certificates} with openssl, in a folder that is gone again when this returns. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-tls-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  try {
    const own = ['-x509', '-days', '2', '-subj', '/CN=dotmac test ca'];
    openssl('req', ...own, ...fresh, '-keyout', 'ca.key', '-out', 'ca.pem');
    const sign = (name: string, alternativeNames: string, days: string): KeyPair => {
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${alternativeNames}\n`);
      openssl('req', ...fresh, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
      openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-days', days, '-out', `${name}.pem`);
      return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
    };
    return {
      ca: read('ca.pem'),
      good: sign('good', 'DNS:localhost,IP:127.0.0.1', '2'),
      expired: sign('expired', 'DNS:localhost,IP:127.0.0.1', '-1'),
      other: sign('other', 'DNS:other.test', '2'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
