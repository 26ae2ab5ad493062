// What is checked, in a process of its own: prints its ports as JSON.
import { createServer as createHttp } from 'node:http';
import { createServer as createTcp } from 'node:net';

const listen = (server) =>
  new Promise((resolve) =>
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => resolve(server.address().port)),
  );
const tcp = await listen(createTcp((socket) => socket.on('error', () => undefined).resume()));
const http = await listen(createHttp((_, response) => response.end('ok')));
console.log(JSON.stringify({ tcp, http }));
