import { expect, it } from 'vitest';
import { z } from 'zod';
import { issueMessage } from '../../src/contract/issue-message.js';

const messagesOf = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(issueMessage);

it('says of what is missing that it is required, and of what is no number so', () => {
  expect(messagesOf(z.object({ name: z.string() }), {})).toEqual(['This is required: a string']);
  expect(messagesOf(z.object({ vlan: z.int() }), {})).toEqual(['This is required: a number']);
  expect(messagesOf(z.object({ tags: z.array(z.string()) }), {})).toEqual(['This is required: an array']);
  expect(messagesOf(z.object({ limit: z.coerce.number() }), { limit: 'ten' })).toEqual(['This is no number']);
});

it('leaves alone what a schema says itself, and what of another type was given', () => {
  expect(messagesOf(z.object({ port: z.number({ error: 'Give a port' }) }), {})).toEqual(['Give a port']);
  expect(messagesOf(z.string(), 5)).toEqual(['Invalid input: expected string, received number']);
});
