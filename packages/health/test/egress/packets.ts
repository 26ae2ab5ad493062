import { execFileSync } from 'node:child_process';
import { isIPv6 } from 'node:net';
import { canonicalHost } from '@dotmac/core/net';

/** Packets that left for one address; `other` is what left for addresses that nobody thought of. */
export type Packets = Readonly<Record<string, Count>>;

interface Count {
  tcp: number;
  udp: number;
  echo: number;
}

const families = [
  { suffix: '', echo: ['icmp', '--icmp-type', 'echo-request'], refusal: 'icmp-port-unreachable' },
  { suffix: '6', echo: ['icmpv6', '--icmpv6-type', 'echo-request'], refusal: 'icmp6-port-unreachable' },
];

/**
 * Counts what leaves this network namespace by the kernel's own counters: first packets of TCP, datagrams and echo
 * requests, address by address, and turns them back at once so that nobody waits. What goes to `own` addresses passes.
 * Takes root, and a namespace of one's own.
 */
export function countPackets(addresses: readonly string[], own: readonly string[]): void {
  for (const { suffix, echo, refusal } of families) {
    const isOfFamily = (address: string): boolean => isIPv6(address) === (suffix === '6');
    const turnedBack = (to: string): string[] => [
      `-A OUTPUT ${to} -p tcp --syn -j REJECT --reject-with tcp-reset`,
      `-A OUTPUT ${to} -p udp -j REJECT --reject-with ${refusal}`,
      `-A OUTPUT ${to} -p ${echo.join(' ')} -j REJECT --reject-with ${refusal}`,
    ];
    const rules = [
      ...own.filter(isOfFamily).map((address) => `-A OUTPUT -d ${address} -j ACCEPT`),
      ...addresses.filter(isOfFamily).flatMap((address) => turnedBack(`-d ${address}`)),
      ...turnedBack(''),
    ];
    const input = ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...rules, 'COMMIT', ''].join('\n');
    execFileSync(`ip${suffix}tables-restore`, { input });
  }
}

/** What has left since the last call, without addresses that nothing left for. */
export function takePackets(): Packets {
  const packets: Record<string, Count> = {};
  for (const { suffix } of families) {
    const table = `ip${suffix}tables`;
    const text = execFileSync(`${table}-save`, ['-c', '-t', 'filter'], { encoding: 'utf8' });
    for (const [, count = '0', rule = ''] of text.matchAll(/^\[(\d+):\d+\] -A OUTPUT (.*-j REJECT.*)$/gm)) {
      if (count === '0') continue;
      const [, written] = /-d ([0-9a-f.:]+)/.exec(rule) ?? [];
      const address = written === undefined ? 'other' : plain(written);
      const of = (packets[address] ??= { tcp: 0, udp: 0, echo: 0 });
      of[/-p tcp/.test(rule) ? 'tcp' : /-p udp/.test(rule) ? 'udp' : 'echo'] += Number(count);
    }
    execFileSync(table, ['-Z', 'OUTPUT']);
  }
  return packets;
}

/** iptables writes some IPv6 addresses in another way than they were given. */
function plain(text: string): string {
  const host = canonicalHost(text);
  return host.kind === 'address' ? host.address : text;
}
