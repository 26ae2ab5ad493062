import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePolicy, judgeAddress, publicOnly, type DenyReason } from '../../src/net/index.js';

/** Every class open as far as rules can open it. */
const everything = { allow: ['0.0.0.0/0', '::/0'] };

describe('an address under publicOnly', () => {
  const denied: [DenyReason, string[]][] = [
    ['loopback', ['127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
    ['private', ['10.0.0.1', '172.16.0.0', '172.31.255.255', '192.168.1.1']],
    ['private', ['100.64.0.1', '100.127.255.255', 'fd12::1']],
    [
      'metadata',
      ['169.254.169.254', '::ffff:a9fe:a9fe', '169.254.170.2', '169.254.170.23', '168.63.129.16', '100.100.100.200'],
    ],
    ['metadata', ['192.0.0.192', 'fd00:ec2::254', 'FD00:0EC2:0::0254']],
    ['link_local', ['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
    ['broadcast', ['255.255.255.255']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0']],
    ['embedded_ipv4', ['::127.0.0.1', '::7f00:1', '::808:808', '::ffff:0:7f00:1', '64:ff9b::7f00:1']],
    ['embedded_ipv4', ['64:ff9b::a9fe:a9fe', '64:ff9b:1::a9fe:a9fe', '2002:7f00:1::', '2002:a9fe:a9fe::']],
    ['embedded_ipv4', ['2001::5601:5601']],
    ['embedded_ipv4', ['2606:4700::5efe:7f00:1', '2606:0:0:1:0:5efe:a00:0', '2606:4700::200:5efe:0.0.0.0']],
    ['reserved', ['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.1']],
    ['reserved', ['203.0.113.1', '240.0.0.1', '255.255.255.254']],
    ['reserved', ['fec0::1', '100::1', '5f00::1', '2001:db8::1', '2001:20::1', '3fff::1', '4000::1']],
    ['not_an_address', ['fe80::1%lo', '::1%lo', '127.1', '2130706433', 'localhost']],
    ['not_an_address', ['', '[::1]', '1.1.1.1 ', '1.1.1.1/32']],
  ];
  it.each(denied.flatMap(([reason, all]) => all.map((address) => [reason, address] as const)))(
    'is denied as %s: %s',
    (reason, address) => expect(judgeAddress(address, 443, publicOnly)).toEqual({ allowed: false, reason }),
  );

  it.each([
    ...['172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0'],
    ...['169.253.255.255', '169.255.0.0', '9.255.255.255'],
    ...['11.0.0.0', '126.255.255.255', '128.0.0.0', '192.167.255.255', '192.169.0.0', '223.255.255.255', '1.0.0.0'],
    ...['198.17.255.255', '198.20.0.0', '168.63.129.15', '168.63.129.17', '::ffff:1.1.1.1'],
    ...['2606:4700::1111', '2001:200::1', '2003::1', '2400::1', '2000::1'],
    ...['2606:4700::5eff:7f00:1', '2606::100:5efe:7f00:1', '2606::5efe:7f00:1:0'],
  ])('is allowed at the edge: %s', (address) =>
    expect(judgeAddress(address, 443, publicOnly)).toEqual({ allowed: true }),
  );

  it.each([0, -1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('is denied on port %s', (port) =>
    expect(judgeAddress('1.1.1.1', port, publicOnly)).toEqual({ allowed: false, reason: 'invalid_port' }),
  );
});

describe('the rules of a policy', () => {
  it('open what they name and nothing else', () => {
    const policy = compilePolicy({
      allow: ['loopback', '10.1.0.0/16', 'fd00:1::/32', { cidr: 'public', ports: [443] }],
      deny: ['10.1.2.0/24', { host: '127.0.0.9' }, { ports: [25] }],
    });
    expect(policy.judge('127.0.0.1', 80)).toEqual({ allowed: true });
    expect(policy.judge('::1', 80)).toEqual({ allowed: true });
    expect(policy.judge('::ffff:127.0.0.9', 80)).toEqual({ allowed: false, reason: 'denied_by_policy' });
    expect(policy.judge('127.0.0.1', 25)).toEqual({ allowed: false, reason: 'denied_by_policy' });
    expect(policy.judge('10.1.3.4', 80)).toEqual({ allowed: true });
    expect(policy.judge('10.1.2.4', 80)).toEqual({ allowed: false, reason: 'denied_by_policy' });
    expect(policy.judge('10.2.0.1', 80)).toEqual({ allowed: false, reason: 'private' });
    expect(policy.judge('fd00:1::5', 80)).toEqual({ allowed: true });
    expect(policy.judge('1.1.1.1', 443)).toEqual({ allowed: true });
    expect(policy.judge('1.1.1.1', 80)).toEqual({ allowed: false, reason: 'not_allowed' });
  });

  it('speak of a name only where that name was asked for', () => {
    const policy = compilePolicy({ allow: [{ host: 'Orders.Internal.', ports: [5432] }] });
    expect(policy.judge('10.0.0.5', 5432, 'orders.internal')).toEqual({ allowed: true });
    expect(policy.judge('10.0.0.5', 22, 'orders.internal')).toEqual({ allowed: false, reason: 'private' });
    expect(policy.judge('10.0.0.5', 5432, 'x.orders.internal')).toEqual({ allowed: false, reason: 'private' });
    expect(policy.judge('10.0.0.5', 5432)).toEqual({ allowed: false, reason: 'private' });
    expect(policy.judge('169.254.169.254', 5432, 'orders.internal')).toEqual({ allowed: false, reason: 'metadata' });
  });

  it.each([
    ...['169.254.169.254', '169.254.1.1', '224.0.0.1', '0.0.0.0'],
    ...['::', 'fe80::1', '2002:7f00:1::', '64:ff9b::a00:1'],
  ])('never open %s', (address) => {
    const allow = [address, '0.0.0.0/0', '::/0', { host: address }];
    expect(judgeAddress(address, 80, { allow }).allowed).toBe(false);
  });

  it.each([
    ...['', 'internet', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/'],
    ...['10.0.0.0/8/8', '::/129', '10.0.0.0/-1', 'fe80::%lo/64'],
    ...['::ffff:10.0.0.0/104', { cidr: 'x' }, { host: 'a b' }, { ports: [80] }, {}],
    ...[
      { cidr: 'public', ports: [] },
      { cidr: 'public', ports: [0] },
      { cidr: 'public', ports: [65_536] },
    ],
  ])('are refused when they are not rules: %j', (rule) => {
    expect(() => compilePolicy({ allow: [rule] })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('the IPv6 forms that hold an IPv4 address', () => {
  const hex = (a: number, b: number): string => ((a << 8) | b).toString(16);
  it('are never allowed where the IPv4 address is denied', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), fc.boolean(), ([a, b, c, d], open) => {
        const policy = compilePolicy(open ? everything : publicOnly);
        const dotted = `${a}.${b}.${c}.${d}`;
        const [high, low] = [hex(a, b), hex(c, d)];
        const teredo = `2001:0:${hex(1, 1)}::${hex(a ^ 255, b ^ 255)}:${hex(c ^ 255, d ^ 255)}`;
        const direct = policy.judge(dotted, 80);
        for (const mapped of [`::ffff:${dotted}`, `::ffff:${high}:${low}`, `0:0:0:0:0:FFFF:${high}:${low}`])
          expect(policy.judge(mapped, 80)).toEqual(direct);
        const embedded = [`::${dotted}`, `::ffff:0:${dotted}`, `64:ff9b::${dotted}`, `64:ff9b:1::${high}:${low}`];
        for (const form of [...embedded, `2002:${high}:${low}::1`, teredo])
          if (form !== '::0.0.0.1') expect(policy.judge(form, 80).allowed).toBe(false);
      }),
    );
  });
});
