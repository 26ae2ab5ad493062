import { BlockList, isIP } from 'node:net';
import { remembered } from './remembered.js';

/** What an address is for. Only the first group can be opened by a rule; the second never is. */
export type AddressClass =
  | 'public'
  | 'private'
  | 'loopback'
  | 'reserved'
  // Never opened by any rule:
  | 'metadata'
  | 'link_local'
  | 'multicast'
  | 'broadcast'
  | 'unspecified'
  | 'embedded_ipv4'
  | 'not_an_address';

/** The classes that no rule opens. */
export const neverAllowed: ReadonlySet<AddressClass> = new Set<AddressClass>([
  'metadata',
  'link_local',
  'multicast',
  'broadcast',
  'unspecified',
  'embedded_ipv4',
  'not_an_address',
]);

type Table = readonly (readonly [AddressClass, readonly string[]])[];

/** The first class that holds an address wins. IANA special-purpose registry, and what clouds put beside it. */
const ipv4Table: Table = [
  [
    'metadata',
    [
      '169.254.169.254', // AWS, GCP, Azure, DigitalOcean, OpenStack
      '169.254.170.2', // AWS ECS task credentials
      '169.254.170.23', // AWS EKS pod identity
      '168.63.129.16', // Azure wire server
      '100.100.100.200', // Alibaba
      '192.0.0.192', // Oracle
    ],
  ],
  ['link_local', ['169.254.0.0/16']],
  ['multicast', ['224.0.0.0/4']],
  ['broadcast', ['255.255.255.255']],
  ['unspecified', ['0.0.0.0/8']],
  ['loopback', ['127.0.0.0/8']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']],
  [
    'reserved',
    [
      '192.0.0.0/24',
      '192.0.2.0/24',
      '192.88.99.0/24',
      '198.18.0.0/15',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '240.0.0.0/4',
    ],
  ],
  ['public', ['0.0.0.0/0']],
];

const ipv6Table: Table = [
  ['metadata', ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe']],
  ['loopback', ['::1']],
  ['unspecified', ['::']],
  ['link_local', ['fe80::/10']],
  ['multicast', ['ff00::/8']],
  // IPv4-compatible, RFC 6145 translation, NAT64 (two), Teredo, 6to4: whoever routes them decides the real target.
  ['embedded_ipv4', ['::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16']],
  ['private', ['fc00::/7']],
  ['reserved', ['2001::/23', '2001:db8::/32', '3fff::/20']],
  ['public', ['2000::/3']],
  ['reserved', ['::/0']],
];

/** One list per family: a mixed BlockList compares across families by mapping, which is decided here and only here. */
const compiled = { 4: compileTable(ipv4Table), 6: compileTable(ipv6Table) };

/** A CIDR (`10.0.0.0/8`) or a single address, taken apart; undefined when it is neither. */
export function parseCidr(text: string): { address: string; prefix: number; family: 4 | 6 } | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const bits = family === 4 ? 32 : 128;
  if (prefixText === undefined) return { address, prefix: bits, family: family as 4 | 6 };
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > bits) return undefined;
  return { address, prefix: Number(prefixText), family: family as 4 | 6 };
}

/**
 * The address as it is judged and connected to: an IPv4-mapped IPv6 address (`::ffff:127.0.0.1`) becomes the IPv4
 * address it is. Undefined for anything that is no plain address, zone ids included.
 */
export const plainAddress = remembered((address): { address: string; family: 4 | 6 } | undefined => {
  const family = isIP(address);
  if (family === 4) return { address, family };
  if (family !== 6 || address.includes('%')) return undefined;
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest);
  if (!mapped) return { address: shortest, family };
  const [high, low] = [parseInt(mapped[1] ?? '', 16), parseInt(mapped[2] ?? '', 16)];
  return { address: `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`, family: 4 };
});

/** The class of a plain address (see {@link plainAddress}). */
export function classOf({ address }: { address: string; family: 4 | 6 }): AddressClass {
  return classOfText(address);
}

const classOfText = remembered((address): AddressClass => {
  const family = isIP(address) === 4 ? 4 : 6;
  if (family === 6 && isIsatap(address)) return 'embedded_ipv4';
  const found = compiled[family].find(([, list]) => list.check(address, family === 4 ? 'ipv4' : 'ipv6'));
  return found ? found[0] : 'not_an_address';
});

/** ISATAP (RFC 5214, 6.1): under any prefix, an interface that is named after an IPv4 address and leads there. */
function isIsatap(shortest: string): boolean {
  const [head = '', tail] = shortest.split('::');
  const [left, right] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[]];
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups[5] === '5efe' && (groups[4] === '0' || groups[4] === '200');
}

/** A BlockList of the CIDRs of one family; those of the other family are left out. */
export function blockListOf(cidrs: readonly string[], family: 4 | 6): BlockList {
  const list = new BlockList();
  for (const text of cidrs) {
    const cidr = parseCidr(text);
    if (cidr?.family === family) list.addSubnet(cidr.address, cidr.prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function compileTable(table: Table): readonly (readonly [AddressClass, BlockList])[] {
  return table.map(([name, cidrs]) => [name, blockListOf(cidrs, cidrs[0]?.includes(':') ? 6 : 4)] as const);
}
