/** CRC-16/XMODEM of each byte value. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

const [open, close] = ['{'.charCodeAt(0), '}'.charCodeAt(0)];

/** The slot of a cluster that a key is in: of what stands between the first braces, where something does. */
export function slotOf(key: Buffer): number {
  const start = key.indexOf(open);
  const end = start < 0 ? -1 : key.indexOf(close, start + 1);
  const hashed = end > start + 1 ? key.subarray(start + 1, end) : key;
  let crc = 0;
  for (const byte of hashed) crc = ((crc << 8) ^ (table[((crc >> 8) ^ byte) & 0xff] as number)) & 0xffff;
  return crc % 16_384;
}

/** Keys that one command may name together in a cluster. */
export function bySlot(keys: readonly Buffer[]): Buffer[][] {
  const groups = new Map<number, Buffer[]>();
  for (const key of keys) {
    const slot = slotOf(key);
    const group = groups.get(slot);
    if (group) group.push(key);
    else groups.set(slot, [key]);
  }
  return [...groups.values()];
}
