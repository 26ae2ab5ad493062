/** What is asked at once at most; the rest goes next. */
const mostTogether = 100;

/**
 * Has those who ask while an answer is under way ask together: what costs a round trip is then one for all of them. Who
 * asks alone is asked for at once. `ask` answers in the order of what it was given; when it fails, each is asked for by
 * itself, so that nobody fails for another.
 *
 * @example
 * const find = together((ids: readonly string[]) => store.findAll(ids));
 * const [one, two] = await Promise.all([find('1'), find('2')]);
 */
export function together<Asked, Answer>(
  ask: (asked: readonly Asked[]) => Promise<readonly Answer[]>,
): (asked: Asked) => Promise<Answer> {
  const waiting: { asked: Asked; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  let isRunning = false;
  const askNext = async (): Promise<void> => {
    const taken = waiting.splice(0, mostTogether);
    try {
      const answers = await ask(taken.map(({ asked }) => asked));
      for (const [index, { resolve }] of taken.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      if (taken.length === 1) taken[0]?.reject(error);
      else
        for (const { asked, resolve, reject } of taken)
          await ask([asked]).then(([answer]) => resolve(answer as Answer), reject);
    }
  };
  const askAll = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) await askNext();
    isRunning = false;
  };
  return (asked) =>
    new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject });
      if (!isRunning) void askAll();
    });
}
