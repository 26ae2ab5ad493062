/**
 * Makes pieces ahead of whoever takes them, as long as those that wait have fewer than `most` characters together; what
 * waits is given as one. Who leaves early ends the making.
 */
export async function* readAhead(pieces: AsyncIterable<string>, most: number): AsyncGenerator<string> {
  let [waiting, isDone, isLeft]: [string[], boolean, boolean] = [[], false, false];
  let size = 0;
  let [tell, goOn] = [(): void => undefined, (): void => undefined];
  const making = (async () => {
    try {
      for await (const piece of pieces) {
        waiting.push(piece);
        size += piece.length;
        tell();
        while (size >= most && !isLeft) await new Promise<void>((resolve) => (goOn = resolve));
        if (isLeft) return;
      }
    } finally {
      isDone = true;
      tell();
    }
  })();
  // What breaks it is thrown to whoever takes the pieces, once those before it are given.
  making.catch(() => undefined);
  try {
    for (;;) {
      if (waiting.length === 0 && !isDone) await new Promise<void>((resolve) => (tell = resolve));
      if (waiting.length === 0) return await making;
      const together = waiting.join('');
      [waiting, size] = [[], 0];
      goOn();
      yield together;
    }
  } finally {
    isLeft = true;
    goOn();
  }
}
