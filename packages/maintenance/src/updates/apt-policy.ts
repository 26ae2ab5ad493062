/** What `apt-cache policy` tells of a package. */
export interface PackagePolicy {
  installed: string;
  /** The newest version of security that its update has in it, be it behind newer ones that are not; null when none has. */
  security: string | null;
}

const packageFile = /^ *-?\d+ (\S.*)\n +release (.*)$/gm;
/** By its label or its suite, which is what a simulation names of an archive, too. */
const ofSecurity = /(?:^|,)[la]=[^,]*security/i;

/** The archives of security that `apt-cache policy` lists when it is asked about no package, as it names them. */
export function securitySources(output: string): Set<string> {
  const files = [...output.matchAll(packageFile)];
  return new Set(files.flatMap(([, source = '', release = '']) => (ofSecurity.test(release) ? [source] : [])));
}

const versionLine = /^ (\*{3}| {3}) (\S+) -?\d+/;
const sourceLine = /^ {7,}-?\d+ (\S.*)$/;

/** The packages that `apt-cache policy` was asked about, in the C locale: their versions come from the newest on. */
export function parsePolicies(output: string, sources: ReadonlySet<string>): Map<string, PackagePolicy> {
  const policies = new Map<string, PackagePolicy>();
  for (const section of output.split(/^(?=\S)/m)) {
    const [, name] = /^(\S+):$/m.exec(section) ?? [];
    const [, installed] = /^ {2}Installed: (\S+)$/m.exec(section) ?? [];
    const [, candidate] = /^ {2}Candidate: (\S+)$/m.exec(section) ?? [];
    if (name === undefined || installed === undefined || candidate === undefined) continue;
    policies.set(name, { installed, security: securityIn(section, candidate, sources) });
  }
  return policies;
}

/** The first version of security from the candidate on, above the installed one. */
function securityIn(section: string, candidate: string, sources: ReadonlySet<string>): string | null {
  let at: string | null = null;
  for (const line of section.split('\n')) {
    const [, mark, version = ''] = versionLine.exec(line) ?? [];
    if (mark === '***') return null;
    if (version === candidate || (version !== '' && at !== null)) at = version;
    else if (at !== null && sources.has(sourceLine.exec(line)?.[1] ?? '')) return at;
  }
  return null;
}
