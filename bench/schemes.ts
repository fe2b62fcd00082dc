import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FanOutJob, FanOutReport } from './fan-out-process.ts';
import { runLocal } from './local-command.ts';
import type { BenchNodes } from './nodes.ts';
import type { Scheme } from './options.ts';
import { SLOTS } from './options.ts';
import { benchPython } from './python.ts';

export interface Measured {
  seconds: number;
  /** CPU of what hands out the tasks. In local schemes, which start them as children, the tasks are in it. */
  node0CpuMs: number;
  /** Of node 0's process, where it is ours. */
  peakMiB?: number;
}

export interface SchemeRun {
  nodes: BenchNodes;
  count: number;
  /** One command a line. */
  commandsFile: string;
  total: number;
  /** Empty; results and logs go there. */
  folder: string;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Runs all commands by one scheme. @throws Error when not every command succeeded */
export async function runScheme(scheme: Scheme, run: SchemeRun): Promise<Measured> {
  mkdirSync(run.folder, { recursive: true });
  const slots = run.count * SLOTS;
  const { folder, commandsFile: input } = run;
  switch (scheme) {
    case 'stock':
    case 'pool':
      return fanOut(scheme, run);
    case 'parallel':
      return local(
        ['parallel', '--will-cite', '-j', `${slots}`, '--results', 'results', '--joblog', 'joblog'],
        run,
      );
    case 'xargs':
      return local(['xargs', `-P${slots}`, '-I{}', 'bash', '-c', '{}'], run);
    case 'hypershell': {
      const hsx = await benchPython('hsx');
      return local([hsx, input, '--no-db', '-N', `${slots}`], run, { HYPERSHELL_SITE: folder });
    }
    case 'hyperqueue': {
      const python = await benchPython('python');
      const counts = [run.count, SLOTS].map(String);
      const { stdout, cpuMs } = await runLocal(
        [python, here('run_hyperqueue.py'), input, folder, ...counts],
        // HyperQueue leaves a folder `hq-lc-*` in the temporary folder.
        { cwd: folder, keepOutput: true, env: { TMPDIR: folder } },
      );
      return { seconds: Number(stdout.trim().split('\n').at(-1)), node0CpuMs: cpuMs };
    }
  }
}

async function local(
  command: [string, ...string[]],
  { commandsFile, folder }: SchemeRun,
  env: Record<string, string> = {},
): Promise<Measured> {
  const { seconds, cpuMs } = await runLocal(command, { input: commandsFile, cwd: folder, env });
  return { seconds, node0CpuMs: cpuMs };
}

async function fanOut(scheme: 'stock' | 'pool', run: SchemeRun): Promise<Measured> {
  const job: FanOutJob = {
    scheme,
    nodes: run.nodes.addresses
      .slice(0, run.count)
      .map((address, index) => ({ index, address, slots: SLOTS })),
    commandsFile: run.commandsFile,
    total: run.total,
    folder: run.folder,
    sshConfig: scheme === 'stock' ? run.nodes.plainSshConfig : run.nodes.sshConfig,
    environment: { PATH: process.env.PATH ?? '' },
  };
  const file = join(run.folder, 'job.json');
  writeFileSync(file, JSON.stringify(job));
  const { stdout } = await runLocal([process.execPath, here('fan-out-process.ts'), file], {
    cwd: run.folder,
    keepOutput: true,
  });
  const report: FanOutReport = JSON.parse(stdout);
  if (report.succeeded !== run.total)
    throw new Error([`${report.succeeded} of ${run.total} succeeded`, ...report.said].join('\n'));
  // A node that was lost on the way, for instance: all tasks ran, and yet it was not what was to be measured.
  for (const line of report.said) console.log(line);
  return { seconds: report.seconds, node0CpuMs: report.cpuMs, peakMiB: report.peakMiB };
}
