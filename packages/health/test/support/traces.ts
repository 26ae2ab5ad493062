/** How a secret could be written somewhere: as it is, percent-encoded, in hex, and in base64 at any offset. */
function writingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const escaped = hex.replace(/../g, '%$&');
  // Three bytes are four letters: what stands before it decides how its letters fall, its edges left out.
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(offset === 0 ? 0 : 4, -4),
  );
  const url = base64.map((text) => text.replace(/\+/g, '-').replace(/\//g, '_'));
  return [
    // Files are read as Latin-1, a letter a byte.
    ...[secret, bytes.toString('latin1'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)],
    ...[hex, hex.toUpperCase(), escaped, escaped.toUpperCase(), ...base64, ...url],
  ];
}

/** Which secrets have left traces, and where: `name in place`. */
export function tracesOf(
  secrets: Readonly<Record<string, string>>,
  places: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => writingsOf(secret).some((writing) => text.includes(writing)))
      .map(([name]) => `${name} in ${place}`),
  );
}
