import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { MANIFEST_PREFIX, rejectionKeys, runKeys } from '../experiment/bucket-layout.ts';
import { executionArn } from '../experiment/execution-input.ts';
import { EXIT } from '../experiment/exit-code.ts';
import { renderFaults } from '../experiment/faults.ts';
import { manifestFormat, parseManifest } from '../experiment/manifest.ts';
import type { FanoutScheme } from '../experiment/plan.ts';
import { makeRunId } from '../experiment/run-id.ts';
import type { Summary } from '../experiment/summary.ts';
import { plainLine } from '../experiment/terminal-codes.ts';
import type { FaultName } from './faults.ts';
import type { LocalSurroundings } from './live.ts';
import { withFailingTask, withOptions } from './manifest-options.ts';
import { NothingToPack, packInputs } from './pack.ts';
import type { Display } from './progress-display.ts';
import { makeDisplay } from './progress-display.ts';
import { realClock } from './real-clock.ts';
import type { LocalSystem } from './system.ts';
import { startSystem } from './system.ts';
import { readText, watchRun } from './watch-run.ts';

export interface StartOptions {
  /** Absolute. */
  file: string;
  /** As the user wrote it. */
  shownAs: string;
  /** `.sierra-batch`, absolute. */
  folder: string;
  nodes?: number;
  fanout?: FanoutScheme;
  fault?: FaultName;
}

/** How long a dropped manifest may take to become a run or a rejection. */
const ACCEPTED_WITHIN_MS = 30_000;

/** Drops a manifest into a local system of its own, shows the run, and answers the runner's exit code. */
export async function runManifest(options: StartOptions, surroundings: LocalSurroundings): Promise<number> {
  const display = makeDisplay(process.stdout, { ...surroundings, now: () => realClock.now() });
  const checked = parseManifest(readFileSync(options.file), manifestFormat(options.file), { origin: 'file' });
  if (!checked.ok) {
    process.stderr.write(renderFaults(checked.faults, options.shownAs, checked.text));
    return EXIT.badEnvironment;
  }
  for (const warning of checked.warnings)
    process.stderr.write(`warning: ${renderFaults([warning], options.shownAs, checked.source.text)}`);
  const system = await startSystem({
    folder: options.folder,
    clock: realClock,
    nonce: surroundings.nonce,
    image: surroundings.image,
    defaultVcpus: surroundings.vcpus,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => display.say(plainLine(`${event} ${JSON.stringify(fields)}`)),
    },
    ...(options.fault === undefined ? {} : { fault: options.fault }),
  });
  try {
    const key = `${MANIFEST_PREFIX}${surroundings.nonce().slice(0, 8)}/${basename(options.file)}`;
    const packed = await packInputs(
      system.s3,
      system.bucket,
      options.file,
      checked.manifest,
      manifestFormat(options.file),
    );
    const bytes = withOptions(options.fault === 'failing-task' ? withFailingTask(packed) : packed, options);
    const { VersionId: version = '' } = await system.s3.send(
      new PutObjectCommand({ Bucket: system.bucket, Key: key, Body: bytes }),
    );
    const runId = makeRunId(checked.manifest.name, { bucket: system.bucket, key, version });
    const rejection = await accepted(system, runId, rejectionKeys(key, version).text);
    if (rejection !== undefined) {
      process.stderr.write(rejection);
      return EXIT.badEnvironment;
    }
    display.say(`run ${runId}`);
    return await follow(system, runId, options, display);
  } catch (error) {
    if (!(error instanceof NothingToPack)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT.badEnvironment;
  } finally {
    await system.close();
  }
}

/** The text of the rejection, or undefined once the run's plan is there. */
async function accepted(system: LocalSystem, runId: string, rejection: string): Promise<string | undefined> {
  const until = realClock.now() + ACCEPTED_WITHIN_MS;
  while (realClock.now() < until) {
    const text = await readText(system.s3, system.bucket, rejection);
    if (text !== undefined) return text;
    if ((await readText(system.s3, system.bucket, runKeys(runId).status)) !== undefined) return undefined;
    await realClock.sleep(20);
  }
  const why = system.deadLetters().map(({ rule, error }) => `${rule}: ${String(error)}`);
  throw new Error(
    `the manifest was neither accepted nor rejected within ${ACCEPTED_WITHIN_MS / 1000} s ${why.join('; ')}`,
  );
}

async function follow(
  system: LocalSystem,
  runId: string,
  options: StartOptions,
  display: Display,
): Promise<number> {
  const watching = new AbortController();
  let asked = 0;
  const onSignal = () => {
    asked += 1;
    if (asked === 1) {
      display.say('stopping: waits until nothing runs any more (again to kill)');
      cancel(system, runId).catch((error: unknown) =>
        display.say(`the run could not be cancelled: ${String(error)}`),
      );
    } else {
      system.kill();
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  try {
    const summary = await watchRun(
      system.s3,
      system.bucket,
      runId,
      realClock,
      (view) => display.update(view),
      watching.signal,
    );
    display.end();
    if (summary === undefined) return EXIT.terminated;
    tell(summary, runId, options, display);
    if (asked > 0) return EXIT.terminated;
    return summary.exitCode ?? (summary.outcome === 'succeeded' ? EXIT.succeeded : EXIT.tasksFailed);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal);
  }
}

async function cancel(system: LocalSystem, runId: string): Promise<void> {
  await system.states.send(
    new StopExecutionCommand({
      executionArn: executionArn(system.deployment.stateMachineArn, runId),
      error: 'Cancelled',
      cause: 'interrupted at the terminal',
    }),
  );
}

function tell(summary: Summary, runId: string, { folder }: StartOptions, display: Display): void {
  const keys = runKeys(runId);
  const shown = (key: string) => relative(process.cwd(), join(folder, 'bucket', key));
  display.say('');
  display.say(plainLine(summary.headline));
  if (summary.why !== '') display.say(plainLine(summary.why));
  if (summary.next !== '') display.say(plainLine(summary.next));
  display.say('');
  display.say(`report   ${shown(keys.report)}`);
  display.say(`outputs  ${shown(keys.outputs)}`);
}
