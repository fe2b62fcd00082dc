/** Writes sample reports to a folder, for looking at: `npx --no-install node scripts/docs/report-sample.ts [FOLDER]`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderReport } from '../../report/render.ts';
import { SAMPLES, sampleReport } from '../../test/report/sample-runs.ts';

const folder = process.argv[2] ?? 'dist/report-samples';
await mkdir(folder, { recursive: true });
for (const [name, sample] of Object.entries(SAMPLES)) {
  const input = await sampleReport(sample);
  const before = performance.now();
  const page = renderReport(input);
  const took = performance.now() - before;
  await writeFile(join(folder, `${name}.html`), page);
  console.log(
    `${name.padEnd(10)} ${input.tasks.size} tasks  ${Math.round(took)} ms  ${Math.round(page.length / 1024)} KiB`,
  );
}
