/** Addresses that no tenant may reach, by the class that they belong to. */
export const forbiddenAddresses: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.1', '127.0.0.0', '127.1.2.3', '127.255.255.255', '::1'],
  unspecified: ['0.0.0.0', '0.0.0.1', '0.255.255.255', '::'],
  private: [
    ...['10.0.0.0', '10.0.0.1', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255'],
    ...['100.64.0.0', '100.64.0.1', '100.127.255.255', 'fc00::', 'fd12:3456::1', 'fdff:ffff::1'],
  ],
  metadata: [
    ...['169.254.169.254', '169.254.170.2', '169.254.170.23', '168.63.129.16', '100.100.100.200', '192.0.0.192'],
    ...['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe'],
  ],
  'link-local': ['169.254.0.0', '169.254.1.1', '169.254.255.255', 'fe80::1', 'febf::1'],
  'multicast and broadcast': ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  reserved: [
    ...['192.0.0.0', '192.0.0.255', '192.0.2.0', '192.0.2.255', '192.88.99.0', '192.88.99.255', '198.18.0.0'],
    ...['198.19.255.255', '198.51.100.0', '198.51.100.255', '203.0.113.0', '203.0.113.255', '240.0.0.0'],
    ...['255.255.255.254', '100::1', '2001:1::1', '2001:20::1', '2001:1ff:ffff::1', '2001:db8::1', '3fff::1'],
    ...['3fff:fff:ffff::1', '5f00::1', 'fec0::1', '1fff:ffff::1', '4000::1', 'e000::1'],
  ],
  'IPv6 with an IPv4 address inside': [
    ...['::7f00:1', '::a9fe:a9fe', '::808:808', '::ffff:0:7f00:1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe'],
    ...['64:ff9b:1::a9fe:a9fe', '64:ff9b:1:ffff::1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::'],
    ...['2001::5601:5601', '2001:0:7f00:1::80ff:fffe', '2606:4700::5efe:7f00:1', '2606:4700::200:5efe:a9fe:a9fe'],
  ],
};

/** The last public address before a forbidden range and the first one after it: these must be reached. */
export const edgeAddresses: readonly string[] = [
  ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ...['168.63.129.15', '168.63.129.17', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0'],
  ...['191.255.255.255', '192.0.1.0', '192.0.1.255', '192.0.3.0', '192.88.98.255', '192.88.100.0'],
  ...['192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '198.51.99.255', '198.51.101.0'],
  ...['203.0.112.255', '203.0.114.0', '223.255.255.255', '2000::', '2000::1', '2001:200::', '2001:db7:ffff::1'],
  ...['2001:db9::', '2001:ffff::1', '2003::', '2606:4700::1111', '2606:4700::5eff:7f00:1', '3ffe:ffff:ffff::1'],
  ...['3fff:1000::'],
];

/** Spellings of public addresses; each must lead to just that one. */
export const edgeSpellings: Readonly<Record<string, string>> = {
  '0127.0.0.1': '87.0.0.1',
  '0x0b.0.0.0': '11.0.0.0',
  '184549376': '11.0.0.0',
  '１１.0.0.0': '11.0.0.0',
  '11.0.0.0.': '11.0.0.0',
  '::ffff:11.0.0.0': '11.0.0.0',
  '[2003::]': '2003::',
};

const wide = (text: string): string =>
  text.replace(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))).replace(/\./g, '。');
const circled = (text: string): string =>
  text.replace(/[0-9]/g, (digit) => String.fromCodePoint(digit === '0' ? 0x24ea : 0x245f + Number(digit)));
const escaped = (text: string): string =>
  [...text].map((letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');

/** An IPv4 address in every spelling that some parser takes for it, and in every IPv6 form that carries it. */
function spellingsOf(address: string): string[] {
  const parts = address.split('.').map(Number) as [number, number, number, number];
  const [a, b, c, d] = parts;
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  const [high, low] = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)];
  const octal = parts.map((part) => `0${part.toString(8)}`);
  return [
    ...[address, `${address}.`, `${a}.${b}.${c * 256 + d}`, `${a}.${(b * 256 + c) * 256 + d}`],
    ...[String(whole), `0x${whole.toString(16)}`, `0X${whole.toString(16).toUpperCase()}`, `0${whole.toString(8)}`],
    ...[octal.join('.'), octal.map((part) => `000${part}`).join('.'), `${octal[0]}.${b}.${c}.${d}`],
    ...[parts.map((part) => `0x${part.toString(16)}`).join('.'), `0x${a.toString(16)}.${b}.0${c.toString(8)}.${d}`],
    ...[wide(address), circled(address)],
    ...[address.replace(/\./g, '．'), address.replace(/\./g, '｡'), escaped(address), `${a}%2e${b}.${c}.${d}`],
    ...[`::ffff:${address}`, `::FFFF:${high}:${low}`, `0:0:0:0:0:ffff:${address}`, `[::ffff:${address}]`],
    ...[`::${address}`, `::${high}:${low}`, `::ffff:0:${address}`, `64:ff9b::${address}`, `64:ff9b:1::${address}`],
    ...[`2002:${high}:${low}::`, `2002:${high}:${low}::${address}`, `fe80::5efe:${address}`],
    ...[`2606:4700::5efe:${address}`, `2606:4700::200:5efe:${address}`],
    `2001:0:${high}:${low}:0:0:${(0xffff ^ ((a << 8) | b)).toString(16)}:${(0xffff ^ ((c << 8) | d)).toString(16)}`,
  ];
}

/** Hosts that are more than a host, or that name this machine. */
const oddHosts: readonly string[] = [
  ...['', ' ', '.', '..', '127.0.0.1 ', ' 127.0.0.1', '127.0.0.1\n', '127.0.0.1\r\nHost: x', '127.0.0.1\0', '127.1\t'],
  ...['127.0.0.1:80', 'x@127.0.0.1', 'example.com@127.0.0.1', '127.0.0.1#@example.com', '127.0.0.1?x', '127.0.0.1/'],
  ...['127.0.0.1\\@example.com', '127.0.0.1%00.example.com', '127.0.0.1%20', '127.1', '127.0.1', '0', '00', '0x0'],
  ...['0.0', '127.0.0.1..', '127..0.0.1', '127.0.0.1.example', '127.0.0.\u00ad1', '127.0.0.\u200b1', '\ufeff127.0.0.1'],
  ...['[127.0.0.1]', '[::1]', '[::1', '::1]', '[::1]:80', '[[::1]]', '[::1].', '[::]', '[v1.fe80::a]', '::1%lo'],
  ...['fe80::1%lo', 'fe80::1%25lo', '[fe80::1%25lo]', 'fe80::1%1', '0:0:0:0:0:0:0:1', '0000::0001', '::0.0.0.1'],
  ...[
    'FE80::1',
    'FD00:EC2::254',
    'ff02::1%lo',
    'localhost',
    'LOCALHOST',
    'LocalHost.',
    'a.localhost',
    'x.y.localhost.',
  ],
  ...[
    'ｌｏｃａｌｈｏｓｔ',
    'localhost%2e',
    'localhost\0',
    'ip6-localhost',
    'intranet',
    'INTRANET.',
    `${'a'.repeat(64)}.test`,
  ],
  ...[`${'a.'.repeat(140)}test`, 'unix:/run/docker.sock', '/run/docker.sock', 'file:///etc/passwd', 'http://127.0.0.1'],
  ...['//127.0.0.1', '1.1.1.1 &@127.0.0.1', '1.1.1.1,127.0.0.1', '999.1.1.1', '256.256.256.256', '4294967296', '0x'],
];

/** Every host that leads, or might be taken to lead, to where nobody may go. */
export const forbiddenHosts: readonly string[] = [
  ...new Set([
    ...Object.values(forbiddenAddresses).flat(),
    ...['127.0.0.1', '169.254.169.254', '10.0.0.1', '192.168.1.1'].flatMap(spellingsOf),
    ...oddHosts,
  ]),
];

/** What a name resolves to. Several answers in `turns` are given one after another, the last for good. */
export interface NameCase {
  a?: readonly string[];
  aaaa?: readonly string[];
  cname?: string;
  turns?: readonly (readonly string[])[];
  failing?: 'A' | 'AAAA';
}

const isIpv4 = (address: string): boolean => !address.includes(':');
/** What names hold besides what is forbidden. */
export const [publicIpv4, publicIpv6] = ['11.0.0.0', '2003::'];

/** Names whose answers hold a forbidden address: alone, among good ones, behind a CNAME, in the other family. */
export const forbiddenNames: Readonly<Record<string, NameCase>> = Object.fromEntries(
  Object.values(forbiddenAddresses)
    .flat()
    .flatMap((address, index): [string, NameCase][] => {
      const own = isIpv4(address) ? 'a' : 'aaaa';
      const [good, other] = isIpv4(address) ? [publicIpv4, 'aaaa'] : [publicIpv6, 'a'];
      const otherGood = isIpv4(address) ? publicIpv6 : publicIpv4;
      return [
        [`alone-${index}.test`, { [own]: [address] }],
        [`last-${index}.test`, { [own]: [good, address] }],
        [`first-${index}.test`, { [own]: [address, good], [other]: [otherGood] }],
        [`family-${index}.test`, { [own]: [address], [other]: [otherGood] }],
        [`alias-${index}.test`, { [own]: [address], cname: `real-${index}.test` }],
        [`half-${index}.test`, { [own]: [address], failing: isIpv4(address) ? 'AAAA' : 'A' }],
        // The same behind an IPv4-mapped answer, which some resolvers make.
        ...(isIpv4(address) ? [[`mapped-${index}.test`, { aaaa: [`::ffff:${address}`] }] as [string, NameCase]] : []),
      ];
    }),
);

/** Names that are public when they are first asked for, and are not afterwards; others for every prefix. */
export function rebindingNames(prefix: string): Readonly<Record<string, NameCase>> {
  return Object.fromEntries(
    ['127.0.0.1', '169.254.169.254', '10.0.0.1', '0.0.0.0', '100.100.100.200'].map((address, index) => [
      `${prefix.replace('_', '-')}-${index}.test`,
      { turns: [[publicIpv4], [address]] },
    ]),
  );
}

/** Names that lead to edges, one each. */
export const edgeNames: Readonly<Record<string, NameCase>> = Object.fromEntries(
  edgeAddresses.map((address, index) => [`edge-${index}.test`, { [isIpv4(address) ? 'a' : 'aaaa']: [address] }]),
);

const bracketed = (host: string): string => (host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host);

/** Where a redirect can lead, written as a `Location`: by address, by name, and in ways that parsers disagree about. */
export const forbiddenLocations: readonly string[] = [
  ...Object.values(forbiddenAddresses)
    .flat()
    .flatMap((address) => [`http://${bracketed(address)}/`, `//${bracketed(address)}/`]),
  ...['127.0.0.1', '169.254.169.254'].flatMap(spellingsOf).map((host) => `http://${bracketed(host)}/`),
  ...Object.keys(forbiddenNames)
    .filter((name) => /^(alone|last)-/.test(name))
    .map((name) => `http://${name}/`),
  ...['http://localhost/', 'HTTP://LOCALHOST./', 'http://intranet/', 'https://127.0.0.1/', 'http://127.0.0.1:6379/'],
  ...[
    'http:\\\\127.0.0.1\\',
    '/\\127.0.0.1/',
    '\\\\127.0.0.1\\',
    'http:////127.0.0.1',
    'http:/127.0.0.1',
    '///127.0.0.1/',
  ],
  ...['http://example.com@127.0.0.1/', 'http://127.0.0.1#@11.0.0.0/', 'http://127.0.0.1?@11.0.0.0/'],
  ...['http://127.0.0.1\\@11.0.0.0/', 'http://127.0.0.1:80\\@11.0.0.0/', 'http://[::1]:80/', 'http://[::1%25lo]/'],
  ...[
    'http://127.0.0.1:0/',
    'http://127.0.0.1:65536/',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
  ],
  ...['unix:/run/docker.sock', 'data:,x', 'ws://127.0.0.1/', 'javascript:1', 'http://', 'http://%31%32%37.0.0.1/'],
];

/** The statuses that lead elsewhere. */
export const redirectStatuses = [301, 302, 303, 307, 308] as const;
