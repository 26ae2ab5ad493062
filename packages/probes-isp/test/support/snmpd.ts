import { startDaemon, type Daemon } from './daemon.js';

/** The passwords of all users of this agent. */
export const passwords = { auth: 'right-auth-key', privacy: 'right-privacy-key' };

/** Protocols as this agent spells them, by how we do. */
const authNames = {
  md5: 'MD5',
  sha: 'SHA',
  sha224: 'SHA-224',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
} as const;
const privacyNames = {
  des: 'DES',
  aes: 'AES',
  aes192: 'AES-192',
  aes256: 'AES-256',
  aes192c: 'AES-192-C',
  aes256c: 'AES-256-C',
} as const;

/** A user for each pair of protocols, named by them. */
export const users = Object.keys(authNames).flatMap((auth) =>
  Object.keys(privacyNames).map((privacy) => ({
    username: `${auth}-${privacy}`,
    auth: auth as keyof typeof authNames,
    privacy: privacy as keyof typeof privacyNames,
  })),
);

/** Net-SNMP's agent with the community `right`, the users above, and `nobody`, who has no key. */
export function snmpd(): Promise<Daemon> {
  return startDaemon('snmpd', 'NET-SNMP version', ({ folder, port }) => ({
    words: ['-f', '-Lo', '-C', '-c', `${folder}/snmpd.conf`, '-p', `${folder}/pid`, `udp:127.0.0.1:${port}`],
    env: { SNMP_PERSISTENT_DIR: folder, SNMPCONFPATH: folder, MIBS: '' },
    files: {
      'snmpd.conf': [
        'rocommunity right 127.0.0.1',
        'sysName core-router',
        'sysLocation Zürich',
        'createUser nobody',
        'rouser nobody noauth',
        ...users.flatMap(({ username, auth, privacy }) => [
          `createUser ${username} ${authNames[auth]} "${passwords.auth}" ${privacyNames[privacy]} "${passwords.privacy}"`,
          `rouser ${username} auth`,
        ]),
        '',
      ].join('\n'),
    },
  }));
}
