import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleFunction, FUNCTIONS } from './bundle.ts';

/**
 * How long each function's bundle takes to load, against what esbuild makes by default (with the banner without which that
 * crashes), in turns in one run: medians in milliseconds, and their ratio.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";
const TIMES = 15;
/** What live.ts needs to be loaded. */
const ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  SIERRA_BATCH_BUCKET: 'b',
  SIERRA_BATCH_STATE_MACHINE: 'arn:aws:states:eu-west-1:1:stateMachine:s',
  SIERRA_BATCH_JOB_DEFINITION: 'd',
  SIERRA_BATCH_QUEUES: '{"default":{"arn":"q","maxvCpus":1}}',
  SIERRA_BATCH_DEFAULT_QUEUE: 'default',
  SIERRA_BATCH_DEFAULT_VCPUS: '1',
  SIERRA_BATCH_DEFAULT_MEMORY_MIB: '1',
  SIERRA_BATCH_TOPIC: 'arn:aws:sns:eu-west-1:1:t',
};

const folder = mkdtempSync(join(tmpdir(), 'cold-'));
try {
  console.log('function     ours  default  ratio');
  for (const name of FUNCTIONS) {
    await bundleFunction(name, join(folder, 'ours', name));
    const standard = join(folder, 'default', name, 'index.mjs');
    await build({
      absWorkingDir: ROOT,
      entryPoints: [`functions/live/${name}.ts`],
      outfile: standard,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: REQUIRE },
      // Its default entry loads the rest of itself in a way that no bundler sees.
      alias: { 'jsonc-parser': './node_modules/jsonc-parser/lib/esm/main.js' },
      logLevel: 'warning',
    });
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      ours.push(load(join(folder, 'ours', name, 'index.mjs')));
      theirs.push(load(standard));
    }
    const [one, other] = [median(ours), median(theirs)];
    console.log(
      `${name.padEnd(8)} ${one.toFixed(0).padStart(8)} ${other.toFixed(0).padStart(8)} ${(one / other).toFixed(2).padStart(6)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Milliseconds from before the import to after it, in a process of its own. */
function load(file: string): number {
  const script = `const t = performance.now(); await import(${JSON.stringify(file)}); process.stdout.write(String(performance.now() - t));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: ENVIRONMENT,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${file} cannot be loaded: ${stderr}`);
  return Number(stdout);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
