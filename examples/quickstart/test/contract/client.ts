import assert from 'node:assert/strict';

/** An answer as a client sees it. */
export interface Answer {
  status: number;
  headers: Headers;
  // What comes over the wire is untyped on purpose: the suite asserts it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** One tenant's way to the API. */
export interface Client {
  readonly url: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** An answer whose body is still to be read. */
  stream(method: string, path: string, init?: { headers?: Record<string, string>; body?: string }): Promise<Response>;
}

/** A client with an API key, or with none. */
export function createClient(url: string, key: string | null): Client {
  const call: Client['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
  };
  return {
    url,
    call,
    get: (path) => call('GET', path),
    post: (path, body, headers) => call('POST', path, body, headers),
    stream: (method, path, { headers = {}, body } = {}) =>
      fetch(url + path, {
        method,
        headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...headers },
        ...(body !== undefined && { body }),
      }),
  };
}

/** Asserts a problem of RFC 9457 with every member that is promised. */
export function assertProblem({ status, headers, body }: Answer, expected: number, code?: string): void {
  assert.equal(status, expected, JSON.stringify(body));
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  for (const member of ['type', 'title', 'detail', 'instance', 'code', 'request_id'])
    assert.ok(typeof body[member] === 'string' && body[member].length > 0, `${member} is missing`);
  assert.equal(body.status, expected);
  if (code !== undefined) assert.equal(body.code, code);
}

/** Asserts success, showing the problem where there is one. */
export function assertStatus(answer: Answer, expected: number): Answer {
  assert.equal(answer.status, expected, JSON.stringify(answer.body));
  return answer;
}

/** The paths of an INVALID_INPUT answer, sorted. */
export function invalidPaths({ body }: Answer): string[] {
  return body.errors.map(({ path }: { path: string }) => path).sort();
}

const isoUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Asserts that these members are instants in UTC. */
export function assertInstants(body: Record<string, unknown>, ...members: string[]): void {
  for (const member of members) assert.match(String(body[member]), isoUtc, member);
}

/** Asks again until `accept` is true; fails after `deadlineMs` with the last answer. */
export async function eventually(
  ask: () => Promise<Answer>,
  accept: (answer: Answer) => boolean,
  deadlineMs = 45_000,
): Promise<Answer> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    assert.ok(Date.now() < deadline, `never came to pass: ${JSON.stringify(answer.body)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Checks an endpoint until it is found to be so: a check during which the server stood still finds nothing. */
export const foundToBe = (client: Client, id: string, status: string): Promise<Answer> =>
  eventually(
    () => client.post(`/network-monitoring/endpoints/${id}/check`),
    ({ body }) => body.status === status,
  );

/** The pieces of an event stream, until one of this name came. */
export async function eventsUntil(
  response: Response,
  name: string,
): Promise<{ id: string; event: string; data: string }[]> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail('there is no body');
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    text += value ?? '';
    const events = text.split('\n\n').flatMap((piece) => {
      const [, id = '', event = '', data = ''] = /^(?:id: (.*)\n)?event: (.*)\ndata: (.*)$/.exec(piece) ?? [];
      return event === '' ? [] : [{ id, event, data }];
    });
    if (!done && !events.some(({ event }) => event === name)) continue;
    await reader.cancel();
    return events;
  }
}
