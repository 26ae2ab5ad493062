import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';

/** Names, contents, modes, owners, numbers and times of all that is below a directory, and of itself. */
export async function treeOf(path: Buffer): Promise<string[]> {
  const it = await lstat(path, { bigint: true });
  const { mode, uid, gid, ino, nlink, size, blocks, mtimeNs, ctimeNs } = it;
  const isRead = it.isFile() && size < 1_000_000n;
  const content = isRead
    ? createHash('sha256')
        .update(await readFile(path))
        .digest('hex')
    : '';
  const own = [path.toString('hex'), mode, uid, gid, ino, nlink, size, blocks, mtimeNs, ctimeNs, content].join(' ');
  if (!it.isDirectory()) return [own];
  const names = (await readdir(path, { encoding: 'buffer' })).sort((one, other) => one.compare(other));
  const below: string[] = [];
  for (const name of names) below.push(...(await treeOf(Buffer.concat([path, Buffer.from('/'), name]))));
  return [own, ...below];
}
