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

it('lists a path once, by whatever names its routes call what is in it', () => {
  const found = unservedMethods(routes('GET /things/{id}', 'POST /things/{name}'));
  expect(found.map(({ allowed, unserved }) => [...allowed, ...unserved])).toEqual([
    ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  ]);
});

it('lists a path before the patterns that it fits, in whatever order the routes are', () => {
  const found = unservedMethods(routes('GET /{kind}/{id}', 'GET /things/{id}', 'POST /things/latest'));
  expect(found.map(({ path, allowed }) => `${path}: ${allowed.join(' ')}`)).toEqual([
    '/things/latest: GET HEAD POST',
    '/things/{id}: GET HEAD',
    '/{kind}/{id}: GET HEAD',
  ]);
});
