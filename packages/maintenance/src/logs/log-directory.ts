import { matchesPattern } from '../files/pattern.js';
import { partialSuffix } from '../files/compress.js';
import type { OpenRoot } from '../files/root.js';
import type { CheckedLog } from '../policies/check-log.js';
import { copySuffix } from './copy-truncate.js';
import { isStandardRotated, type RotatedName } from './naming.js';
import type { LogFile, RotatedFile } from './rules.js';
import { stateName } from './state.js';

/** What a policy's directory holds of it. */
export interface LogDirectory {
  /** Plain files that its writers may be at. */
  logs: LogFile[];
  /** Plain files that were logs. */
  rotated: RotatedFile[];
  /** Logs and rotated files that are left alone: links, pipes, files of several names, of another device. */
  odd: LogFile[];
  /** What a dead process left: parts of files, and of the state. */
  partial: LogFile[];
  /** The names for which it left copies. */
  copies: string[];
}

/** The rotated name that a name is under a policy; null for any other. */
export function readRotated({ naming, pattern }: CheckedLog, name: string): RotatedName | null {
  const read = naming.read(name);
  return read && matchesPattern(pattern, read.log) ? read : null;
}

/** @see LogDirectory */
export async function listLogs(root: OpenRoot, policy: CheckedLog): Promise<LogDirectory> {
  const found: LogDirectory = { logs: [], rotated: [], odd: [], partial: [], copies: [] };
  const names: string[] = [];
  for await (const name of root.names()) names.push(name);
  for (const name of names.sort()) {
    if (name.endsWith(partialSuffix)) {
      const whole = name.slice(0, -partialSuffix.length);
      const facts = whole === stateName || readRotated(policy, whole) ? await root.facts(name) : null;
      if (facts) found.partial.push({ name, facts });
      continue;
    }
    if (name.startsWith(stateName)) continue;
    if (name.endsWith(copySuffix)) {
      const whole = name.slice(0, -copySuffix.length);
      if (readRotated(policy, whole)) found.copies.push(whole);
      continue;
    }
    const read = readRotated(policy, name);
    if (!read && (!matchesPattern(policy.pattern, name) || isStandardRotated(policy.pattern, name))) continue;
    const facts = await root.facts(name);
    if (!facts || facts.kind === 'directory') continue;
    if (!root.isPlain(facts)) found.odd.push({ name, facts });
    else if (read) found.rotated.push({ ...read, facts });
    else found.logs.push({ name, facts });
  }
  return found;
}
