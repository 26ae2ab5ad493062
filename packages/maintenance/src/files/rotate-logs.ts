import { unlink } from 'node:fs/promises';
import type { CheckedLog } from '../policies/policy-set.js';
import { compressFile, recoverCompression } from './compress.js';
import { matchesPattern } from './pattern.js';
import type { OpenRoot } from './root.js';
import { readRotatedName, recoverRotation, rotateFile } from './rotate.js';

/** What a policy's logs are to go through. */
export interface RotationPlan {
  /** Logs larger than it are rotated. */
  maxBytes: number;
  /** Logs last written before it are rotated. Epoch ms. */
  cutoff: number;
  compress: boolean;
  dryRun: boolean;
  now: number;
  signal: AbortSignal;
}

/** What was done in one directory. */
export interface RotationCounts {
  seen: number;
  rotated: number;
  compressed: number;
  deleted: number;
  /** Left uncompressed because they were still being written to. */
  growing: number;
  bytesFreed: number;
}

const dayMs = 86_400_000;

/** Recovers, rotates, compresses and deletes the logs of one policy, in that order. */
export async function rotateLogs(root: OpenRoot, policy: CheckedLog, plan: RotationPlan): Promise<RotationCounts> {
  const counts: RotationCounts = { seen: 0, rotated: 0, compressed: 0, deleted: 0, growing: 0, bytesFreed: 0 };
  const rotatedFiles = async () =>
    (await root.names()).flatMap((name) => {
      const read = readRotatedName(name);
      return read && matchesPattern(policy.pattern, read.log) ? [{ name, ...read }] : [];
    });
  if (!plan.dryRun)
    for (const { name, log, compressed } of await rotatedFiles())
      if (!compressed) {
        await recoverRotation(root, name, log);
        await recoverCompression(root, name);
      }
  await rotateOld(root, policy, plan, counts);
  for (const { name, compressed } of await rotatedFiles()) {
    plan.signal.throwIfAborted();
    const facts = await root.fileFacts(name);
    if (!facts) continue;
    if (policy.retentionDays !== undefined && facts.mtimeMs < plan.now - policy.retentionDays * dayMs) {
      counts.seen += 1;
      if (!plan.dryRun) await unlink(root.at(name));
      counts.deleted += 1;
      counts.bytesFreed += facts.size;
    } else if (plan.compress && !compressed) await compress(root, name, plan, counts);
  }
  return counts;
}

async function rotateOld(
  root: OpenRoot,
  policy: CheckedLog,
  plan: RotationPlan,
  counts: RotationCounts,
): Promise<void> {
  let rotated = false;
  for (const name of await root.names()) {
    if (!matchesPattern(policy.pattern, name) || readRotatedName(name)) continue;
    plan.signal.throwIfAborted();
    const facts = await root.fileFacts(name);
    if (!facts) continue;
    counts.seen += 1;
    if (facts.size === 0 || (facts.size <= plan.maxBytes && facts.mtimeMs >= plan.cutoff)) continue;
    if (!plan.dryRun) {
      await rotateFile(root, name, plan.now);
      rotated = true;
    } else if (plan.compress) counts.compressed += 1;
    counts.rotated += 1;
  }
  if (rotated) await policy.reopen?.();
}

async function compress(root: OpenRoot, name: string, plan: RotationPlan, counts: RotationCounts): Promise<void> {
  const done = plan.dryRun ? undefined : await compressFile(root, name, plan.signal);
  if (done?.outcome === 'changed') counts.growing += 1;
  else counts.compressed += 1;
  if (done?.outcome === 'compressed') counts.bytesFreed += done.bytesBefore - done.bytesAfter;
}
