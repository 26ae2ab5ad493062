import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';

const listening = (framework) => ({
  name: `the built quickstart on ${framework}`,
  async check({ root, work, server }) {
    const dataDirectory = join(work, `quickstart-${framework}`);
    const env = { PATH: process.env.PATH, PORT: '0', FRAMEWORK: framework, DATA_DIR: dataDirectory };
    const start = () => server(process.execPath, [join(root, 'examples/quickstart/dist/server.js')], { env });
    const { child, exited, url, output } = await start();
    const [key] = /demo_[\w-]+/.exec(output());
    assert.equal(output().match(/^ {2}curl /gm).length, 3, 'three lines to try');
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const ask = async (method, path, body) => {
      const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    };
    const cleaned = await ask('POST', '/infrastructure-maintenance/database/cleanup', { retention_days: 30 });
    assert.equal(cleaned.status, 200);
    assert.ok(cleaned.body.items_cleaned >= 1_000, 'there is something to clean at the first start');
    const customer = await ask('POST', '/customer-lifecycle/register', {
      username: 'neo',
      email: 'neo@example.com',
      first_name: 'Thomas',
      last_name: 'Anderson',
      user_type: 'residential',
    });
    assert.equal(customer.status, 201);
    const outbox = join(dataDirectory, 'outbox.ndjson');
    let sent = '';
    for (const deadline = Date.now() + 10_000; sent === '' && Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      try {
        sent = readFileSync(outbox, 'utf8');
      } catch {
        // Not delivered yet.
      }
    }
    const { customer_id: customerId, token } = JSON.parse(sent);
    assert.equal(customerId, customer.body.id);
    const verify = `/customer-lifecycle/customers/${customerId}/verify`;
    const verified = await ask('POST', verify, { verification_token: token, verification_type: 'email' });
    assert.equal(verified.body.lifecycle_stage, 'verification');
    await drains(child, exited, url);

    // What was answered is kept.
    const again = await start();
    const [secondKey] = /demo_[\w-]+/.exec(again.output());
    headers.authorization = `Bearer ${secondKey}`;
    const { body } = await fetch(`${again.url}/customer-lifecycle/customers/${customerId}/summary`, { headers }).then(
      async (it) => ({ body: await it.json() }),
    );
    assert.equal(body.current_stage, 'verification');
    await drains(again.child, again.exited, again.url);
  },
});

/** SIGTERM ends it with 0 within 10 s, with a connection kept open and one that never finishes its request. */
async function drains(child, exited, url) {
  const agent = new Agent({ keepAlive: true });
  await new Promise((resolve, reject) =>
    request(`${url}/livez`, { agent }, (response) => response.resume().once('end', resolve))
      .once('error', reject)
      .end(),
  );
  const unfinished = request(`${url}/customer-lifecycle/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': 100 },
  }).on('error', () => undefined);
  unfinished.write('{');
  const askedAt = Date.now();
  child.kill('SIGTERM');
  assert.deepEqual(await exited, { code: 0, signal: null });
  assert.ok(Date.now() - askedAt < 10_000);
  agent.destroy();
}

export const quickstartCases = [
  listening('express'),
  listening('fastify'),
  {
    name: 'the built quickstart with a wrong environment',
    async check({ root, server }) {
      const env = { PATH: process.env.PATH, PORT: 'eighty', FRAMEWORK: 'koa', DOTMAC_API_KEYS: 'hunter2' };
      const starting = server(process.execPath, [join(root, 'examples/quickstart/dist/server.js')], { env });
      const { message } = await starting.then(
        () => assert.fail('it started'),
        (error) => error,
      );
      for (const name of ['PORT', 'FRAMEWORK', 'DOTMAC_API_KEYS']) assert.match(message, new RegExp(`${name}.*:`));
      assert.doesNotMatch(message, /hunter2/);
    },
  },
];
