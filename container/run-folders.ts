import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '../experiment/plan.ts';

/** Where a run lies on shared storage. Absolute, the same on every node. */
export interface RunFolders {
  run: string;
  nodefile: string;
  joblog: string;
  results: string;
  /** Where tasks start: `work/`, or the workspace. */
  tasks: string;
  commands: string;
  /** Unpacked archives, by content: shared by all runs. */
  inputs: string;
}

export function runFolders(shared: string, plan: Pick<Plan, 'folder' | 'workspace'>): RunFolders {
  const run = join(shared, 'runs', plan.folder);
  return {
    run,
    nodefile: join(run, 'nodefile'),
    joblog: join(run, 'joblog'),
    results: join(run, 'results'),
    tasks: plan.workspace === undefined ? join(run, 'work') : join(shared, 'workspaces', plan.workspace),
    commands: join(run, 'commands.txt'),
    inputs: join(shared, 'inputs'),
  };
}

export async function makeRunFolders(folders: RunFolders): Promise<void> {
  for (const folder of [folders.run, folders.results, folders.tasks, folders.inputs])
    await mkdir(folder, { recursive: true });
}
