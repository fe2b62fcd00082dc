/** Where a run lies on shared storage, relative to it: the one place that knows these names. See docs/architecture.md. */
export function sharedLayout({ folder, workspace }: { folder: string; workspace?: string | undefined }): {
  run: string;
  nodefile: string;
  /** Where tasks start, and what SIERRA has as its root: the run's own folder for that, or the workspace. */
  tasks: string;
} {
  const run = `runs/${folder}`;
  return {
    run,
    nodefile: `${run}/nodefile`,
    tasks: workspace === undefined ? `${run}/work` : `workspaces/${workspace}`,
  };
}
