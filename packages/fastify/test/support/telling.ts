import type { NotesModule } from '@dotmac/core/testing';

/** Opens when somebody says so. */
interface Gate<Value> {
  opened: Promise<Value>;
  open(value: Value): void;
}

/** What became of an import. */
interface Told {
  lines: number;
  begun: Gate<void>;
  /** `whole`, or why it ended. */
  end: Gate<unknown>;
}

/** A gate that is closed. */
export function gate<Value = void>(): Gate<Value> {
  let open = (_: Value): void => undefined;
  const opened = new Promise<Value>((resolve) => (open = resolve));
  return { opened, open: (value: Value) => open(value) };
}

/** Notes that tell what comes of an import; it is gone on with after its first line when `resume` settles. */
export function telling(module: NotesModule, resume: Promise<unknown>): { told: Told; module: NotesModule } {
  const told: Told = { lines: 0, end: gate<unknown>(), begun: gate() };
  const scope: NotesModule['scope'] = (context) => {
    const own = module.scope(context);
    return {
      ...own,
      async *take(lines) {
        try {
          for await (const line of lines) {
            told.lines++;
            yield { lineNumber: line.line, noteId: null, faults: [] };
            told.begun.open();
            await resume;
          }
          told.end.open('whole');
        } catch (error) {
          told.end.open(error);
          throw error;
        }
      },
    };
  };
  return { told, module: { ...module, scope } };
}
