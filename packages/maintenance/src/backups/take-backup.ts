import { pipeline } from 'node:stream/promises';
import { measure, writeAll } from './bytes.js';
import { compressing, compressionSuffix } from './compression.js';
import { backupId, stemOf, type Backup, type Manifest } from './manifest.js';
import type { SourceContext } from './source.js';
import type { BackupWork } from './work.js';
import { withinTime } from './within-time.js';

/**
 * Takes one backup: its dump goes through compression and checksum into a partial file, that to the disk and to its
 * name, and then its manifest. What dies before that leaves no backup.
 */
export function takeBackup({ policy, directory, clock, signal: outer }: BackupWork): Promise<Backup> {
  const { name, source, compression } = policy;
  const takenAt = clock.now();
  const startedAt = clock.monotonic();
  const id = backupId(takenAt);
  const file = `${stemOf(name, id)}.${source.extension}${compressionSuffix[compression]}`;
  return withinTime({ policy, clock, signal: outer }, async ({ signal }) => {
    const context: SourceContext = { clock, signal, scratchFile: directory.scratchFile(id) };
    const dumped = await directory.create(file, async (handle) => {
      const [content, packed] = [measure(), measure()];
      const facts = await source.dump(context, (bytes) =>
        pipeline(bytes, content.through, compressing(compression), packed.through, (it) => writeAll(handle, it), {
          signal,
        }),
      );
      return { ...facts, contentBytes: content.size(), bytes: packed.size(), sha256: packed.sha256() };
    });
    const durationMs = clock.monotonic() - startedAt;
    const about = { version: 1, policy: name, kind: source.kind, file, compression, takenAt, durationMs } as const;
    const manifest: Manifest = { ...about, ...dumped, state: 'unverified', verifiedAt: null, fault: null };
    await directory.writeManifest(id, manifest);
    return { ...manifest, id };
  });
}
