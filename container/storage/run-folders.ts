import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedLayout } from '../../experiment/layout/shared-paths.ts';
import type { Plan } from '../../experiment/plan/plan.ts';

/** Where a run lies on shared storage. Absolute, the same on every node. */
export interface RunFolders {
  readonly run: string;
  readonly nodefile: string;
  readonly joblog: string;
  /** What results in this folder were made by. */
  readonly versions: string;
  /** Which inputs were brought into the tasks' folder last. */
  readonly brought: string;
  readonly results: string;
  /** Where tasks start: `work/`, or the workspace. */
  readonly tasks: string;
  readonly commands: string;
  /** Notes what lay in the tasks' folder before the first task. */
  readonly before: string;
  /** Notes what nodes have sent of the outputs while a run goes on. */
  readonly sent: string;
  /** Unpacked archives, by content: shared by all runs. */
  readonly inputs: string;
  /** An empty file a run, named by it: whoever frees storage asks whether they have all ended. */
  readonly users: readonly string[];
}

export function runFolders(shared: string, plan: Pick<Plan, 'folder' | 'workspace'>): RunFolders {
  const layout = sharedLayout(plan);
  const run = join(shared, layout.run);
  return {
    run,
    nodefile: join(shared, layout.nodefile),
    joblog: join(run, 'joblog'),
    versions: join(run, 'versions.json'),
    brought:
      plan.workspace === undefined
        ? join(run, 'brought.json')
        : join(shared, 'brought', `${plan.workspace}.json`),
    results: join(run, 'results'),
    tasks: join(shared, layout.tasks),
    commands: join(run, 'commands.txt'),
    before: join(run, 'before'),
    sent: join(run, 'sent'),
    inputs: join(shared, 'inputs'),
    users: [
      usersOf(shared, 'runs', plan.folder),
      ...(plan.workspace === undefined ? [] : [usersOf(shared, 'workspaces', plan.workspace)]),
    ],
  };
}

/** Where the runs that have worked in a folder of shared storage are noted, outside of what tasks write to. */
export function usersOf(shared: string, kind: 'runs' | 'workspaces', name: string): string {
  return join(shared, 'users', kind, name);
}

export async function makeRunFolders(folders: RunFolders, runId: string): Promise<void> {
  // First who works there, then the folders: nobody frees them in between.
  for (const folder of folders.users) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, runId), '');
  }
  for (const folder of [folders.run, folders.results, folders.tasks, folders.inputs])
    await mkdir(folder, { recursive: true });
}
