/** A word of a shell's: plain, quoted, with variables, or of several such parts. */
const word = /(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\([^)]*\)|[^\s'"\\;#>])+|[;\n]|>\s*\S+|#[^\n]*/gs;

/**
 * The commands of a shell script, in the little of the language that the documentation writes: words, quotes, variables
 * and comments. Variables that the script sets are added to `variables`; one that nobody set is an empty text, as in a shell.
 */
export function commandsOf(script: string, variables: Map<string, string>): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of script.replaceAll('\\\n', ' ').matchAll(word)) {
    const command = commands.at(-1) ?? [];
    const assignment = command.length === 0 ? /^([A-Z]+)=(.*)$/s.exec(token) : null;
    if (token === ';' || token === '\n') commands.push([]);
    else if (token.startsWith('#') || token.startsWith('>')) continue;
    else if (assignment) variables.set(assignment[1] ?? '', unquoted(assignment[2] ?? '', variables));
    else command.push(unquoted(token, variables));
  }
  return commands.filter(({ length }) => length > 0);
}

const part = /'([^']*)'|"((?:\\.|[^"\\])*)"|([^'"]+)/gs;

function unquoted(token: string, variables: ReadonlyMap<string, string>): string {
  const filled = (text: string): string =>
    text
      .replaceAll(/\$\([^)]*\)/g, 'printed')
      .replaceAll('$?', '0')
      .replaceAll(/\$([A-Z]+)/g, (_, name: string) => variables.get(name) ?? '')
      .replaceAll(/\\(.)/g, '$1');
  return [...token.matchAll(part)].map(([, single, double, plain]) => single ?? filled(double ?? plain ?? '')).join('');
}
