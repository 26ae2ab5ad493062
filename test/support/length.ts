/** Tests that are worth more the longer they go on do so by `npm run test:long`, which takes an hour or two. */
export const isLong = process.env['TEST_LENGTH'] === 'long';
