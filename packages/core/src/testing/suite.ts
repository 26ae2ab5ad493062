/** One case of a conformance suite. It throws (`node:assert`) when the subject does not conform. */
export interface SuiteCase<Subject> {
  /** A sentence, e.g. `gives one of fifty racers the lease`. */
  name: string;
  /** The capability that a subject must have for this case to apply. */
  requires?: string;
  run(subject: Subject): Promise<void>;
}

/** A conformance suite as data: it knows no test runner. */
export interface Suite<Subject> {
  name: string;
  cases: readonly SuiteCase<Subject>[];
}

/** What a suite needs of a test runner. Vitest's, Jest's and node:test's own functions fit. */
export interface SuiteRunner {
  describe(name: string, define: () => void): unknown;
  it: ((name: string, run: () => Promise<void>) => unknown) & {
    skip(name: string, run?: () => Promise<void>): unknown;
  };
}

/** A subject made for one case, and how to put it away again. */
export interface SuiteSubject<Subject> {
  subject: Subject;
  close?(): Promise<void> | void;
}

/**
 * Registers every case of a suite with a test runner. Each case gets a subject of its own.
 * @param capabilities what this subject can do; a case that requires something else is registered as skipped, by name
 */
export function runSuite<Subject>(
  suite: Suite<Subject>,
  runner: SuiteRunner,
  createSubject: () => Promise<SuiteSubject<Subject>>,
  capabilities: readonly string[] = [],
): void {
  runner.describe(suite.name, () => {
    for (const { name, requires, run } of suite.cases) {
      if (requires !== undefined && !capabilities.includes(requires)) {
        runner.it.skip(`${name} (needs the capability "${requires}")`);
        continue;
      }
      runner.it(name, async () => {
        const { subject, close } = await createSubject();
        try {
          await run(subject);
        } finally {
          await close?.();
        }
      });
    }
  });
}
