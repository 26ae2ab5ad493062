/** What a path does not take: all the methods that other paths do, but OPTIONS, which is the framework's or the host's. */
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** A path of the routes, with the methods that it takes and those that it does not. */
export interface UnservedMethods {
  path: string;
  allowed: string[];
  unserved: string[];
}

/**
 * The paths that do not take every method, one of each shape: routes may call a parameter differently. A path takes what a
 * pattern beside it does: `/things/latest` is a `/things/{id}`, too. So it comes first, where the first that fits answers.
 */
export function unservedMethods(routes: readonly { method: string; path: string }[]): UnservedMethods[] {
  const ofShapes = new Map(routes.map(({ path }) => [path.replace(/\{\w+\}/g, '{}'), path]));
  const paths = [...ofShapes.values()].sort((one, other) => parametersIn(one) - parametersIn(other));
  return paths.flatMap((path) => {
    const taken = new Set(routes.filter((route) => fits(path, route.path)).map(({ method }) => method));
    const unserved = methods.filter((method) => !taken.has(method));
    // Who takes GET takes HEAD (RFC 9110, 9.3.2).
    const allowed = methods.filter((method) => taken.has(method)).flatMap((it) => (it === 'GET' ? [it, 'HEAD'] : [it]));
    return unserved.length > 0 ? [{ path, allowed, unserved }] : [];
  });
}

const parametersIn = (path: string): number => path.split('{').length - 1;

function fits(path: string, pattern: string): boolean {
  const [parts, wanted] = [path.split('/'), pattern.split('/')];
  return parts.length === wanted.length && wanted.every((it, index) => it === parts[index] || it.startsWith('{'));
}
