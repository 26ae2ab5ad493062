import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Clock } from '../clock.js';

/** The names of a hosts file with their addresses. */
export type HostsTable = ReadonlyMap<string, readonly string[]>;

/** Larger files are not read: a hosts file of that size is a block list, not a table of hosts. */
const largestBytes = 1_000_000;
/** How often the file is looked at for changes. */
const recheckMs = 1_000;

/** Reads the text of a hosts file (`address name alias...`, `#` comments); names in lower case. */
function parseHosts(text: string): HostsTable {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/);
    if (isIP(address) === 0 || address.includes('%')) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      table.set(key, [...(table.get(key) ?? []), address]);
    }
  }
  return table;
}

/**
 * The hosts file at `path`, read again when its modification time or size changed; looked at no more than once per
 * second. A file that is missing holds no names; one that cannot be read holds those that it held.
 */
export function hostsFile(path: string, clock: Clock): () => Promise<HostsTable> {
  let table: HostsTable = new Map();
  let version = '';
  let checkedAt = Number.NEGATIVE_INFINITY;
  let checking: Promise<HostsTable> | undefined;

  const check = async (): Promise<HostsTable> => {
    try {
      const { mtimeMs, size } = await stat(path);
      if (version !== `${mtimeMs}/${size}`) {
        table = size > largestBytes ? new Map() : parseHosts(await readFile(path, 'utf8'));
        version = `${mtimeMs}/${size}`;
      }
    } catch (error) {
      // Without a descriptor to read it with, what it said before is better than nothing: its names may not be in DNS.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') table = new Map();
      version = '';
    }
    checkedAt = clock.monotonic();
    return table;
  };
  return async () => {
    if (clock.monotonic() - checkedAt < recheckMs) return table;
    checking ??= check().finally(() => (checking = undefined));
    return checking;
  };
}
