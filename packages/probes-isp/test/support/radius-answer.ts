import { createHash, createHmac } from 'node:crypto';
import { codes, writePacket, type Attribute } from '../../src/radius/packet.js';

/** An answer to a request, made with RFC 2865 in hand and not with the code under test's own digests. */
export function answerTo(
  request: Buffer,
  {
    code = codes.accessAccept as number,
    secret = 'xyzzy5461',
    identifier = request[1] ?? 0,
    signed = false,
    attributes = [{ type: 18, value: Buffer.from('hi') }] as Attribute[],
  } = {},
): Buffer {
  const requested = request.subarray(4, 20);
  const all = signed ? [{ type: 80, value: Buffer.alloc(16) }, ...attributes] : attributes;
  const answer = writePacket({ code, identifier, authenticator: requested, attributes: all });
  if (signed) createHmac('md5', secret).update(answer).digest().copy(answer, 22);
  createHash('md5').update(answer).update(secret).digest().copy(answer, 4);
  return answer;
}
