import { writeSync } from 'node:fs';
import { ORDER_VARIABLE } from '../experiment/batch/maintenance-job.ts';
import type { ExitCode } from '../experiment/records/exit-code.ts';
import { EXIT } from '../experiment/records/exit-code.ts';
import { after } from '../experiment/util/timers.ts';
import { runMainNode } from './main-node.ts';
import { doOrder } from './maintenance/maintain.ts';
import { TaskProcesses } from './node/task-processes.ts';
import type { RunnerConfig } from './process/environment.ts';
import { nodeMarker, readEnvironment } from './process/environment.ts';
import type { RunnerContext } from './process/live.ts';
import { live } from './process/live.ts';
import { makeNodeLog } from './process/log.ts';
import { Termination } from './process/termination.ts';
import { runWorkerNode } from './worker-node.ts';

/** Every node of a job runs this: node 0 leads, the others follow; or a single one does an order. Ends with the runner's exit code. */
async function main(): Promise<ExitCode> {
  const context = live();
  if (context.env[ORDER_VARIABLE] !== undefined) return doOrder(context, writeOut);
  const environment = readEnvironment(context.env);
  const write = (line: string) => writeOut(line);
  if (!environment.ok) {
    const { log } = makeNodeLog(0, write);
    for (const fault of environment.faults) log('Environment:Bad', { ...fault });
    return EXIT.badEnvironment;
  }
  const { config } = environment;
  const termination = new Termination(config.stopSeconds);
  const nodeLog = makeNodeLog(config.index, write);
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(name, () => terminate(name, config, context, termination));
  const start = { context, config, nodeLog, termination, startedAt: startTime() };
  try {
    return await (config.index === config.mainIndex ? runMainNode(start) : runWorkerNode(start));
  } catch (error) {
    nodeLog.log('Runner:Failed', {
      why: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return termination.signal.aborted ? EXIT.terminated : EXIT.badEnvironment;
  }
}

/** Asks everything to end; what hangs is left behind before it is killed, its tasks killed. */
function terminate(
  name: string,
  config: RunnerConfig,
  { clock }: RunnerContext,
  termination: Termination,
): void {
  if (termination.signal.aborted) return;
  termination.ask(name, clock.now());
  after(clock, termination.hardMs, () => {
    writeOut(`${JSON.stringify({ self: config.index, event: 'Runner:Hangs', after: termination.hardMs })}\n`);
    const left = new TaskProcesses(nodeMarker(config), () => undefined, clock);
    void left.end(0).finally(() => process.exit(EXIT.terminated));
    after(clock, 500, () => process.exit(EXIT.terminated));
  });
}

/** When this process started, in milliseconds since the epoch: what a node is billed from, as near as it can know. */
function startTime(): number {
  return performance.timeOrigin;
}

/** Whole lines, at once, also just before the end. A reader that is gone must not end the run. */
function writeOut(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // A full or closed pipe: the tail that is sent to the bucket has the line.
  }
}

process.exit(await main());
