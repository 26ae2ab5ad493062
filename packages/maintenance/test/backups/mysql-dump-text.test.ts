import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventsMark,
  untilEvents,
  withoutSandboxLine,
  withSingleEnds,
} from '../../src/backups/databases/mysql-dump-text.js';

const rows = `INSERT INTO \`t\` VALUES (1,'; */;;\\n/*!999999\\\\- enable the sandbox mode */\\n'),(2,'; */ ;;');\n`;
const sandboxed = '/*!999999\\- enable the sandbox mode */ \n';
const dump = `${sandboxed}${rows}${String(eventsMark)}${sandboxed}-- the end\n`;
const code = (end: string): string =>
  [
    `${rows}DELIMITER ;;\n`,
    `/*!50003 TRIGGER \`t1\` BEFORE INSERT ON \`t\` FOR EACH ROW set new.a = 1${end} */;;\n`,
    `/*!50003 TRIGGER \`t2\` BEFORE UPDATE ON \`t\` FOR EACH ROW begin set new.a = 1; end */;;\n`,
    `/*!50106 EVENT \`e1\` ON SCHEDULE EVERY 1 DAY ENABLE DO delete from t${end} */ ;;\n`,
    `/*!50003 TRIGGER \`t3\` BEFORE INSERT ON \`u\` FOR EACH ROW set new.a = 1${end} \n*/;;\n`,
    `/*!50106 EVENT \`e2\` ON SCHEDULE EVERY 1 DAY ENABLE DO delete from t${end} \n*/ ;;\n`,
  ].join('');

describe('the text of a dump', () => {
  it.each([
    ['loses the command that MySQL does not know', withoutSandboxLine, dump, `\n${dump.replaceAll(sandboxed, ' \n')}`],
    ['ends at its events for a rehearsal', untilEvents, dump, dump.slice(0, dump.indexOf(String(eventsMark)))],
    ['has one end where MySQL kept two', withSingleEnds, code(';'), code('')],
    ['stays as it is where all is well', withSingleEnds, code(''), code('')],
  ])('%s, however the bytes arrive', async (_, change, before, after) => {
    const bytes = Buffer.from(before);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 60 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        async function* parts() {
          for (const [index, from] of places.slice(0, -1).entries()) yield bytes.subarray(from, places[index + 1]);
        }
        const passed: Buffer[] = [];
        for await (const chunk of change(parts())) passed.push(chunk);
        expect(Buffer.concat(passed).toString()).toBe(after);
      }),
      { numRuns: 200 },
    );
  });
});
