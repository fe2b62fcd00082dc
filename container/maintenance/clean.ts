import { lstat, mkdir, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { CleanOrder } from '../../experiment/batch/maintenance-job.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import type { Freed } from '../../experiment/records/maintenance.ts';
import { NOT_THERE } from '../../experiment/records/maintenance.ts';
import { usersOf } from '../storage/run-folders.ts';
import { namesIn } from '../util/names-in.ts';
import { hasCode, ifMissing } from '../util/system-errors.ts';
import type { MaintenanceContext } from './context.ts';
import { removeFolder, sizeOfFolder } from './remove-folder.ts';
import { stillInUse } from './still-in-use.ts';

interface Cleaned {
  freed: Freed[];
  kept: { path: string; why: string }[];
}

/** Something to free: a path below shared storage, and the runs that must have ended. */
interface Wanted {
  path: string;
  users: string | undefined;
  runIds: readonly string[];
}

/** What is being removed lies there, out of the way of everybody else. */
const LEAVING = '.leaving';

/**
 * Frees shared storage. A folder is first moved away, then removed: who comes later begins with an empty one instead of
 * half of an old one. What could not be freed is told, and keeps nothing else from being freed.
 */
export async function clean(around: MaintenanceContext, order: CleanOrder): Promise<Cleaned> {
  const { shared, log } = around;
  const cleaned: Cleaned = { freed: [], kept: [] };
  const wanted = [...(await named(around, order)), ...(await old(around, order.olderThanSeconds))];
  const each = new Map(wanted.map((one) => [one.path, one]));
  for (const one of each.values()) {
    try {
      const why = one.users === undefined ? undefined : await stillInUse(around, one.users, one.runIds);
      if (why === undefined) {
        const held =
          order.dryRun === true ? await sizeOfFolder(join(shared, one.path)) : await free(around, one);
        cleaned.freed.push({ path: one.path, ...held });
      } else cleaned.kept.push({ path: one.path, why });
    } catch (error) {
      const why = hasCode(error, 'ENOENT') ? NOT_THERE : String(error);
      cleaned.kept.push({ path: one.path, why });
    }
  }
  if (order.dryRun === true) return cleaned;
  // Also what an earlier job that was ended could not remove.
  for (const name of await namesBelow(shared, LEAVING))
    await removeFolder(join(shared, LEAVING, name)).catch((error: unknown) =>
      log('Clean:NotRemoved', { name, why: String(error) }),
    );
  return cleaned;
}

async function named({ bucket, shared }: MaintenanceContext, order: CleanOrder): Promise<Wanted[]> {
  const wanted: Wanted[] = order.workspaces.map((name) => ({
    path: `workspaces/${name}`,
    users: usersOf(shared, 'workspaces', name),
    runIds: [],
  }));
  for (const runId of order.runIds) {
    const plan = await bucket.readUntrusted(runKeys(runId).plan);
    // A run that resumed another has its folder; of one whose records are gone the id itself is tried.
    const folder = folderIn(plan?.text) ?? runId;
    wanted.push({ path: `runs/${folder}`, users: usersOf(shared, 'runs', folder), runIds: [folder, runId] });
  }
  return wanted;
}

function folderIn(text: string | undefined): string | undefined {
  const folder = parsePlan(text)?.folder;
  return folder !== undefined && isRunId(folder) ? folder : undefined;
}

/** Folders of runs and unpacked inputs that have not changed for so long. Workspaces are only freed by name. */
async function old(
  { shared, clock }: MaintenanceContext,
  olderThanSeconds: number | undefined,
): Promise<Wanted[]> {
  if (olderThanSeconds === undefined) return [];
  const before = clock.now() - olderThanSeconds * 1000;
  const wanted: Wanted[] = [];
  for (const kind of ['runs', 'inputs'] as const)
    for (const name of await namesBelow(shared, kind)) {
      const at = await changedAt(join(shared, kind, name));
      if (at === undefined || at > before) continue;
      const users = kind === 'runs' ? usersOf(shared, 'runs', name) : undefined;
      wanted.push({ path: `${kind}/${name}`, users, runIds: kind === 'runs' && isRunId(name) ? [name] : [] });
    }
  return wanted;
}

/**
 * A folder's own time, and that of what lies directly in it: the joblog is written as long as tasks end. undefined of one
 * that another job has moved away meanwhile.
 */
async function changedAt(folder: string): Promise<number | undefined> {
  const own = await lstat(folder).catch(ifMissing(undefined));
  if (own === undefined) return undefined;
  let latest = own.mtimeMs;
  if (!own.isDirectory()) return latest;
  for (const name of await namesIn(folder)) {
    const found = await lstat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && found.mtimeMs > latest) latest = found.mtimeMs;
  }
  return latest;
}

async function free(
  { shared, makeNonce }: MaintenanceContext,
  { path, users }: Wanted,
): Promise<{ files: number; bytes: number }> {
  const from = join(shared, path);
  await mkdir(join(shared, LEAVING), { recursive: true });
  for (const folder of [dirname(path), LEAVING]) await insist(shared, folder);
  const away = join(shared, LEAVING, `${basename(path)}-${makeNonce()}`);
  await rename(from, away);
  if (users !== undefined && (await namesBelow(shared, relative(shared, dirname(users)))).length > 0)
    await removeFolder(users);
  return removeFolder(away);
}

/** Names in a folder of shared storage; none where it is a link: tasks may have put it there, and what it leads to is not ours. */
async function namesBelow(shared: string, folder: string): Promise<string[]> {
  const isOwn = await leadsNowhereElse(shared, folder).catch(() => false);
  return isOwn ? namesIn(join(shared, folder)) : [];
}

async function insist(shared: string, folder: string): Promise<void> {
  if (!(await leadsNowhereElse(shared, folder)))
    throw new Error(`${folder} is a link, and nothing is removed through one; remove it by hand`);
}

async function leadsNowhereElse(shared: string, folder: string): Promise<boolean> {
  return (await realpath(join(shared, folder))) === join(await realpath(shared), folder);
}
