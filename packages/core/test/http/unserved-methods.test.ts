import { expect, it } from 'vitest';
import { unservedMethods } from '../../src/http/unserved-methods.js';

const routes = (...all: string[]) => all.map((it) => ({ method: it.split(' ')[0]!, path: it.split(' ')[1]! }));

it('lists what a path takes, with HEAD for GET, and what it does not', () => {
  expect(unservedMethods(routes('GET /things', 'POST /things'))).toEqual([
    { path: '/things', allowed: ['GET', 'HEAD', 'POST'], unserved: ['PUT', 'PATCH', 'DELETE'] },
  ]);
});

it('leaves a thing alone that is called as a path beside it is', () => {
  const found = unservedMethods(routes('GET /things/latest', 'DELETE /things/{name}'));
  expect(found.map(({ path, allowed }) => `${path}: ${allowed.join(' ')}`)).toEqual([
    '/things/latest: GET HEAD DELETE',
    '/things/{name}: DELETE',
  ]);
});
