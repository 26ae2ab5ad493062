import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

/** So many bytes of lines, and a few more, as pino writes them. */
export async function writeLog(path, bytes) {
  const file = createWriteStream(path);
  let [written, line] = [0, 0];
  while (written < bytes) {
    let chunk = '';
    for (let i = 0; i < 2_000; i++, line++)
      chunk += `{"level":30,"time":${1_767_225_600_000 + line * 7},"pid":4242,"hostname":"edge-${line % 7}","req":{"id":"${Math.random().toString(36).slice(2)}","method":"GET","url":"/customers/${(line * 7919) % 100_003}"},"res":{"statusCode":${line % 50 === 0 ? 404 : 200}},"responseTime":${(line * 31) % 997},"msg":"request completed"}\n`;
    written += chunk.length;
    if (!file.write(chunk)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
