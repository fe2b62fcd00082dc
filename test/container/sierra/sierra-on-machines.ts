import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalSystem } from '../../../local/system/system.ts';
import type { SierraVersion } from '../../../scripts/install/sierra-venv.ts';
import { sierraVenv } from '../../../scripts/install/sierra-venv.ts';
import { FaultRun } from '../../worlds/cluster/faults/fault-run.ts';
import { copyProject } from './project-for.ts';
import { ARGS } from './real-sierra.ts';

/** SIERRA, but for one option and some variables: what a user's own wrapper may do. */
const WRAPPER = `#!/bin/bash
args=()
for arg in "$@"; do [[ -n \${WITHOUT_OPTION:-} && $arg == "$WITHOUT_OPTION="* ]] || args+=("$arg"); done
unset \${WITHOUT_VARIABLES:-}
exec BIN/sierra-cli "\${args[@]}"
`;

export interface SierraOnMachinesOptions {
  version: SierraVersion;
  nodes: number;
  args?: readonly string[];
  /** Of the manifest. */
  environment?: Readonly<Record<string, string>>;
  /** Text that is put in front of a file of the project, or behind it where it begins with a newline. */
  additions?: Readonly<Record<string, string>>;
  manifest?: Readonly<Record<string, unknown>>;
  before?(run: FaultRun): Promise<void>;
}

/** Real SIERRA through the whole system, on machines with address, sshd on port 22 and shared storage of their own. */
export class SierraOnMachines {
  readonly run: FaultRun;
  readonly bin: string;

  static async start(options: SierraOnMachinesOptions): Promise<SierraOnMachines> {
    const bin = await sierraVenv(options.version);
    const run = await FaultRun.start({
      ...asRun(bin, options),
      before: async (before) => {
        await sendProject(before.system, options);
        mkdirSync(join(before.shared, 'bin'));
        writeFileSync(join(before.shared, 'bin/sierra'), WRAPPER.replace('BIN', bin));
        chmodSync(join(before.shared, 'bin/sierra'), 0o755);
        await options.before?.(before);
      },
    });
    return new SierraOnMachines(run, bin);
  }

  private constructor(run: FaultRun, bin: string) {
    this.run = run;
    this.bin = bin;
  }

  /** Another run on the same machines. */
  drop(options: SierraOnMachinesOptions): Promise<void> {
    return this.run.drop(asRun(this.bin, options));
  }

  /** SIERRA's root as this process sees it: of the latest run, or a workspace. */
  root(workspace?: string): string {
    const { shared, runId } = this.run;
    return workspace === undefined
      ? join(shared, 'runs', runId, 'work')
      : join(shared, 'workspaces', workspace);
  }

  read(file: string, workspace?: string): string {
    return readFileSync(join(this.root(workspace), file), 'utf8');
  }

  /** Files below a folder of SIERRA's root, relative to that root. */
  files(below: string, workspace?: string): string[] {
    const root = this.root(workspace);
    return readdirSync(join(root, below), { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  }
}

function asRun(bin: string, { nodes, args = ARGS, environment, manifest }: SierraOnMachinesOptions) {
  return {
    nodes,
    manifest: {
      minNodes: nodes,
      inputs: [{ from: 's3://sierra-batch-local/project/', to: 'project' }],
      outputs: ['projects.swarm/'],
      run: { sierra: { args } },
      environment: {
        PATH: `/mnt/efs/bin:${bin}:/usr/local/bin:/usr/bin:/bin`,
        SIERRA_PLUGIN_PATH: 'project',
        ...environment,
      },
      ...manifest,
    },
  };
}

/** Puts the example's project into a system's bucket, under `project/`. */
async function sendProject(
  { s3, bucket }: Pick<LocalSystem, 's3' | 'bucket'>,
  { version, additions = {} }: Pick<SierraOnMachinesOptions, 'version' | 'additions'>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sbp-'));
  try {
    copyProject(folder, version);
    for (const [file, text] of Object.entries(additions)) {
      const before = readFileSync(join(folder, file), 'utf8');
      writeFileSync(join(folder, file), text.startsWith('\n') ? before + text : text + before);
    }
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.includes('__pycache__')) continue;
      const Key = `project/${path.slice(folder.length + 1)}`;
      await s3.putObject({ Bucket: bucket, Key, Body: readFileSync(path, 'utf8') });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
