import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowCounter } from '../../src/backups/databases/row-counter.js';

const dump = `/*M!999999\\- enable the sandbox mode */
CREATE TABLE \`odd \`\`name\` (
  \`id\` int(11) NOT NULL,
  \`body\` text DEFAULT '(1),(2);',
) ENGINE=InnoDB;
LOCK TABLES \`odd \`\`name\` WRITE;
INSERT INTO \`odd \`\`name\` VALUES
(1,'it\\'s (one); \\\\'),
(2,NULL),
(3,'INSERT INTO \`empty\` VALUES (1);');
INSERT INTO \`odd \`\`name\` VALUES (4,'żółw'),(5,0x2927),(6,concat('(',(1)));
UNLOCK TABLES;
CREATE TABLE \`empty\` (
  \`id\` int(11) NOT NULL
);
CREATE TABLE \`computed\` (
  \`a VALUES b\` int
);
INSERT INTO \`computed\` (\`a VALUES b\`, \`c)\`) VALUES (1,2),(3,4);
DELIMITER ;;
CREATE PROCEDURE \`p\`()
BEGIN
INSERT INTO \`empty\` VALUES (1),(2);
CREATE TABLE \`later\` (
  \`id\` int
);
END ;;
DELIMITER ;
/*!50001 CREATE VIEW \`v\` AS SELECT 1 */;
`;
const expected = [
  { name: 'computed', rows: 2 },
  { name: 'empty', rows: 0 },
  { name: 'odd `name', rows: 6 },
];

describe('counting the rows of a dump', () => {
  it('comes to the same however the bytes arrive', async () => {
    const bytes = Buffer.from(dump);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        async function* parts() {
          for (const [index, from] of places.slice(0, -1).entries()) yield bytes.subarray(from, places[index + 1]);
        }
        const counter = rowCounter();
        const passed: Buffer[] = [];
        for await (const chunk of counter.through(parts())) passed.push(chunk);
        expect(Buffer.concat(passed).equals(bytes)).toBe(true);
        expect(counter.tables()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
