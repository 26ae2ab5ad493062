/** The packet codes that are spoken of here (RFC 2865, 4; RFC 2866; RFC 5997). */
export const codes = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accountingResponse: 5,
  accessChallenge: 11,
  statusServer: 12,
} as const;

/** The attributes that are spoken of here (RFC 2865, 5; RFC 3579, 3.2). */
export const attributeTypes = {
  userName: 1,
  userPassword: 2,
  chapPassword: 3,
  replyMessage: 18,
  nasIdentifier: 32,
  messageAuthenticator: 80,
} as const;

/** One attribute: 0 to 253 bytes under a number from 1 to 255. */
export interface Attribute {
  type: number;
  value: Buffer;
}

/** A RADIUS packet. */
export interface Packet {
  code: number;
  /** 0 to 255: what an answer is recognised by. */
  identifier: number;
  /** 16 bytes: random in requests, a digest in answers. */
  authenticator: Buffer;
  attributes: readonly Attribute[];
}

/** Code, identifier, length and authenticator. */
export const headerBytes = 20;
/** The longest packet there may be (RFC 2865, 3). */
const longestBytes = 4_096;

/** Writes a packet (RFC 2865, 3). */
export function writePacket({ code, identifier, authenticator, attributes }: Packet): Buffer {
  const body = attributes.flatMap(({ type, value }) => [Buffer.from([type, value.length + 2]), value]);
  const packet = Buffer.concat([Buffer.from([code, identifier, 0, 0]), authenticator, ...body]);
  packet.writeUInt16BE(packet.length, 2);
  return packet;
}

/** The bytes of the packet in a datagram, without padding after it; undefined when they are none. */
export function packetIn(datagram: Buffer): Buffer | undefined {
  if (datagram.length < headerBytes) return undefined;
  const length = datagram.readUInt16BE(2);
  return length >= headerBytes && length <= longestBytes && length <= datagram.length
    ? datagram.subarray(0, length)
    : undefined;
}

/** Reads a packet from just its bytes; undefined when its attributes do not fill it. */
export function readPacket(bytes: Buffer): Packet | undefined {
  const [code, identifier] = bytes;
  if (code === undefined || identifier === undefined || bytes.length < headerBytes) return undefined;
  const attributes: Attribute[] = [];
  for (let at = headerBytes; at < bytes.length;) {
    const [type = 0, length = 0] = bytes.subarray(at, at + 2);
    if (length < 2 || at + length > bytes.length) return undefined;
    attributes.push({ type, value: bytes.subarray(at + 2, at + length) });
    at += length;
  }
  return { code, identifier, authenticator: bytes.subarray(4, headerBytes), attributes };
}
