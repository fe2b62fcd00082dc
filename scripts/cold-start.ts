import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleFunction, FUNCTIONS } from './build/bundle.ts';

/**
 * How long each function's bundle takes to load, against what esbuild makes by default (with the banner without which that
 * crashes), in turns in one run: the quickest of each in milliseconds, by the clock and by the processor's time, and the
 * ratios. On a machine that others use, too, the processor's time is the one to trust.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";
const TIMES = 25;
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
  console.log('function     clock: ours  default  ratio     processor: ours  default  ratio');
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
    const ours: Load[] = [];
    const theirs: Load[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      ours.push(load(join(folder, 'ours', name, 'index.mjs')));
      theirs.push(load(standard));
    }
    const clock = compared(ours, theirs, ({ clock: each }) => each);
    console.log(`${name.padEnd(8)} ${clock}    ${compared(ours, theirs, ({ processor }) => processor)}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Load {
  clock: number;
  processor: number;
}

/** Milliseconds from before the import to after it, in a process of its own. */
function load(file: string): Load {
  const script = `
    const [began, used] = [performance.now(), process.cpuUsage()];
    await import(${JSON.stringify(file)});
    const { user, system } = process.cpuUsage(used);
    process.stdout.write(JSON.stringify({ clock: performance.now() - began, processor: (user + system) / 1000 }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: ENVIRONMENT,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${file} cannot be loaded: ${stderr}`);
  return JSON.parse(stdout);
}

function compared(ours: readonly Load[], theirs: readonly Load[], of: (load: Load) => number): string {
  const [one, other] = [Math.min(...ours.map(of)), Math.min(...theirs.map(of))];
  return `${one.toFixed(0).padStart(14)} ${other.toFixed(0).padStart(8)} ${(one / other).toFixed(2).padStart(6)}`;
}
