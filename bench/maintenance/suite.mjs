// What maintenance does, beside statements and programs that do the same. A part is a file that exports `run`.
const parts = {
  rows: () => import('./rows/part.mjs'),
  rotation: () => import('./rotation/part.mjs'),
  keys: () => import('./keys/part.mjs'),
  schedules: () => import('./schedules/part.mjs'),
};

export async function run() {
  const figures = [];
  const wanted = process.env.BENCH_PARTS?.split(',') ?? Object.keys(parts);
  for (const name of wanted) figures.push(...(await (await parts[name]()).run()));
  return figures;
}
