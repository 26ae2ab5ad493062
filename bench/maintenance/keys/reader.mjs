// Another client: reads a key every two milliseconds, until its standard input ends.
import { Redis } from 'ioredis';

const redis = new Redis({ host: '127.0.0.1', port: Number(process.argv[2]) });
await redis.set('reader:key', 'x');
const [everyMs, times, under] = [2, [], []];
let over = false;
process.stdin.on('end', () => (over = true)).resume();
console.log('ready');
const startedAt = performance.now();
for (let index = 0; !over; index++) {
  const early = startedAt + index * everyMs - performance.now();
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  const sentAt = performance.now();
  under.push(redis.get('reader:key').then(() => times.push(performance.now() - sentAt)));
}
await Promise.all(under);
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
console.log(JSON.stringify({ reads: times.length, p50: at(0.5), p99: at(0.99), worst: at(1) }));
process.exit(0);
