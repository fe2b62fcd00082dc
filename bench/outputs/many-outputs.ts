import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { makeRunFolders, runFolders } from '../../container/storage/run-folders.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { planSha256 } from '../../experiment/plan/plan.ts';
import { newControl, renderControl } from '../../experiment/records/control.ts';
import { renderJoblog } from '../../experiment/results/joblog.ts';
import { memoryBodies } from '../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../local/aws/s3/object-index.ts';
import { LocalS3 } from '../../local/aws/s3/s3.ts';
import { realClock } from '../../local/clock/real.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { answerS3 } from '../../local/http/s3-routes.ts';
import { aPlan, aProgress, aRow, RUN_ID, START } from '../../test/fixtures/records.ts';
import type { ManyOutputs, Step, StepUsed } from './step-process.ts';

/** Of each call, as from a node to S3. */
const S3_TAKES_MS = 25;
const ROWS_AT_ONCE = 10_000;
const STEP = fileURLToPath(new URL('step-process.ts', import.meta.url));

/** Of the runner's image, and of a function a heap that holds what it needs and little of what it has dropped. */
const FLAGS: Readonly<Record<Step, readonly string[]>> = {
  send: ['--max-semi-space-size=2'],
  collect: ['--max-old-space-size=100', '--max-semi-space-size=8'],
};

export interface StepMeasured extends StepUsed {
  step: Step;
  seconds: number;
  puts: number;
}

/**
 * What becomes of a run of so many tasks that wrote a file of one line each, once the last task has ended and nothing was
 * sent before: node 0 sends them, then the function Collect sums the run up.
 */
export async function* manyOutputs(files: number): AsyncGenerator<StepMeasured> {
  const shared = mkdtempSync(join(tmpdir(), 'sbo-'));
  const s3 = new LocalS3({
    bucket: BUCKET,
    bodies: memoryBodies(),
    index: new ObjectIndex(),
    clock: realClock,
    nonce: new SeededRandom(1).nonce,
    missing: 'AccessDenied',
    keepNoncurrent: 2,
  });
  let puts = 0;
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'PUT') puts += 1;
    await delay(S3_TAKES_MS);
    await answerS3(s3, request, response);
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const request: ManyOutputs = { endpoint: `http://127.0.0.1:${port}`, bucket: BUCKET, shared, files };
    const program = await bundled(shared);
    await writeFiles(request);
    await writeRecords(s3, files);
    for (const step of ['send', 'collect'] as const) {
      puts = 0;
      const began = performance.now();
      const { stdout } = await run(process.execPath, [
        ...FLAGS[step],
        program,
        step,
        JSON.stringify(request),
      ]);
      const used: StepUsed = JSON.parse(stdout);
      yield { step, seconds: (performance.now() - began) / 1000, ...used, puts };
    }
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(shared, { recursive: true, force: true });
  }
}

/** `send: 94 s, 88 s of CPU, 290 MiB, 52 PUTs` */
export function renderStep({ step, seconds, cpuSeconds, peakMiB, puts }: StepMeasured): string {
  return `${step}: ${seconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} s of CPU, ${Math.round(peakMiB)} MiB, ${puts} PUTs`;
}

/** As the image and Lambda run it: from source, some of the memory would be Node's that reads TypeScript. */
async function bundled(folder: string): Promise<string> {
  const outfile = join(folder, 'step.mjs');
  const require =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: [STEP],
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    outfile,
    banner: { js: require },
    logLevel: 'error',
  });
  return outfile;
}

const run = promisify(execFile);
const BUCKET = 'bench';

async function writeFiles({ shared, files }: ManyOutputs): Promise<void> {
  const folders = runFolders(shared, { folder: RUN_ID });
  await makeRunFolders(folders, RUN_ID);
  writeFileSync(folders.before, '');
  mkdirSync(join(folders.tasks, 'out'));
  for (let seq = 1; seq <= files; seq += 1)
    writeFileSync(join(folders.tasks, 'out', `${seq}.csv`), `${seq},${Math.sqrt(seq)}\n`);
}

/** As node 0 and the functions leave them. */
async function writeRecords(s3: LocalS3, files: number): Promise<void> {
  const keys = runKeys(RUN_ID);
  const put = (Key: string, Body: string | Buffer) => s3.putObject({ Bucket: BUCKET, Key, Body });
  const file = { kind: 'frozen', key: keys.commands, total: files } as const;
  const plan = JSON.stringify(aPlan({ work: { kind: 'commands', file }, outputs: ['out/'] }));
  const tasks = { total: files, succeeded: files, failed: 0, retried: 0, lost: 0, running: 0 };
  const control = newControl({
    runId: RUN_ID,
    source: aPlan().source,
    nonce: 'n',
    now: Date.now(),
    deadlineAt: Date.now() + 1e9,
    planSha256: planSha256(plan),
  });
  const rows: string[] = [];
  for (let seq = 1; seq <= files; seq += ROWS_AT_ONCE) {
    const some = Math.min(ROWS_AT_ONCE, files - seq + 1);
    const text = renderJoblog(Array.from({ length: some }, (_, index) => rowOf(seq + index)));
    rows.push(seq === 1 ? text : text.slice(text.indexOf('\n') + 1));
  }
  await put(keys.plan, plan);
  await put(keys.control, renderControl(control));
  await put(keys.progress, JSON.stringify(aProgress({ tasks })));
  await put(keys.joblog, Buffer.from(rows.join('')));
}

/** Tasks of a second, on two nodes of two slots. */
function rowOf(seq: number) {
  return aRow(seq, {
    host: `10.0.1.${10 + (seq % 2)}`,
    startTime: START / 1000 + Math.floor((seq - 1) / 4),
    runtime: 1,
  });
}
