import { createHash, randomBytes } from 'node:crypto';
import { appendFile, link, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { CheckFault, RunnerReason } from '../../experiment/records/progress.ts';
import { every } from '../../experiment/util/timers.ts';
import { readText } from '../util/open-file.ts';
import { hasCode, ifMissing } from '../util/system-errors.ts';
import type { AttemptPart } from './attempt.ts';

/** What the holder of a lock needs as long as it holds it. */
type HolderPart = AttemptPart<'config' | 'plan' | 'folders' | 'node' | 'ending' | 'log' | 'context'>;

/** How often the holder touches its lock, and for how long an untouched one still counts. */
const FOLDER_LOCK = { beatMs: 5000, staleMs: 45_000 };
const TRIES = 10;

const holderRecord = z.object({ runId: z.string(), attempt: z.number(), nonce: z.string() });
type Holder = z.infer<typeof holderRecord>;

/** The checks that fail where another run writes. */
const IN_USE = { batchRoot: 'batch-root-in-use', folder: 'folder-in-use' } as const;

/** Whether an attempt ends because another run writes where it would have. */
export function isInUse(reason: RunnerReason | undefined): boolean {
  const checks: readonly string[] = Object.values(IN_USE);
  return reason?.kind === 'bad-environment' && reason.faults.some(({ check }) => checks.includes(check));
}

/** What one run at a time may write. */
interface Guarded {
  folder: string;
  /** Below the folder; empty for all of it. */
  part: string;
  /** For people: which folder that is. */
  where: string;
  check: string;
  /** What else there is to do than to wait. */
  or: string;
}

/**
 * Guards a batch root of SIERRA, in a workspace or in the folder of a run that several go on with. Answers the fault when
 * another run writes it.
 */
export async function lockBatchRoot(
  attempt: HolderPart,
  batchRoot: string,
): Promise<Omit<CheckFault, 'node'> | undefined> {
  const { folders, plan } = attempt;
  const { workspace, resume } = plan;
  // A folder of its own is nobody else's.
  if (workspace === undefined && resume === undefined) return undefined;
  return lockFolder(attempt, {
    folder: folders.tasks,
    part: batchRoot,
    check: IN_USE.batchRoot,
    ...(workspace === undefined
      ? { where: `the folder of ${resume}`, or: '' }
      : { where: `the workspace ${workspace}`, or: '; or name another `workspace`' }),
  });
}

/** Guards the folder of an ended run that this one goes on with. Answers the fault when another goes on with it as well. */
export async function lockResumed(attempt: HolderPart): Promise<Omit<CheckFault, 'node'> | undefined> {
  const { folders, plan } = attempt;
  if (plan.resume === undefined) return undefined;
  const where = `the folder of ${plan.resume}`;
  return lockFolder(attempt, { folder: folders.run, part: '', where, check: IN_USE.folder, or: '' });
}

/**
 * A lock on the shared storage itself, whose time of change is the storage's own clock. A run that died leaves one that
 * nobody touches, and the next takes it over; a later attempt of the same run at once.
 */
async function lockFolder(
  attempt: HolderPart,
  { folder: guarded, part, where, check, or }: Guarded,
): Promise<Omit<CheckFault, 'node'> | undefined> {
  const { config, node, log, context } = attempt;
  const folder = join(guarded, '.sierra-batch');
  await mkdir(folder, { recursive: true });
  const name = createHash('sha256').update(part).digest('hex').slice(0, 16);
  const lock = join(folder, `${name}.lock`);
  const own = join(folder, `${name}.${randomBytes(8).toString('hex')}`);
  const me: Holder = { runId: config.runId, attempt: config.attempt, nonce: own };
  await writeFile(own, JSON.stringify(me));
  try {
    const holder = await take(attempt, lock, own, me);
    if (holder !== undefined) {
      return {
        check,
        what: `run ${holder.runId} writes ${part === '' ? 'there' : part} in ${where} now`,
        todo: `wait until ${holder.runId} has ended, or cancel it${or}`,
      };
    }
  } finally {
    await rm(own, { force: true });
  }
  const stopBeating = every(context.clock, FOLDER_LOCK.beatMs, () => void beat(attempt, lock, me));
  node.closers.add('lock of the folder', async () => {
    stopBeating();
    if ((await holderOf(lock))?.nonce === me.nonce) await rm(lock, { force: true });
  });
  log('Folder:Locked', { folder: guarded, part });
  return undefined;
}

/** Undefined when it is ours now, else who holds it. `link` makes a name only where there is none. */
async function take(
  { context }: AttemptPart<'context'>,
  lock: string,
  own: string,
  me: Holder,
): Promise<Holder | undefined> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    try {
      await link(own, lock);
      return undefined;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const holder = await holderOf(lock);
    if (holder === undefined) {
      await context.clock.sleep(100); // released between the two looks
      continue;
    }
    if (!(holder.runId === me.runId && holder.attempt <= me.attempt) && !(await isStale(lock, own)))
      return holder;
    await moveAway(lock, `${own}.stale`, holder);
  }
  throw new Error(`${lock} cannot be taken`);
}

/** Of several that see the same stale lock one moves it away; who moves another's fresh one puts it back. */
async function moveAway(lock: string, aside: string, stale: Holder): Promise<void> {
  try {
    await rename(lock, aside);
  } catch {
    return; // another was quicker
  }
  if ((await holderOf(aside))?.nonce !== stale.nonce) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Both times come from the storage. */
async function isStale(lock: string, own: string): Promise<boolean> {
  await appendFile(own, ' ');
  try {
    const [theirs, ours] = await Promise.all([stat(lock), stat(own)]);
    return ours.mtimeMs - theirs.mtimeMs > FOLDER_LOCK.staleMs;
  } catch {
    return false; // released meanwhile: tried anew
  }
}

async function beat({ ending, log }: AttemptPart<'ending' | 'log'>, lock: string, me: Holder): Promise<void> {
  try {
    const holder = await holderOf(lock);
    if (holder?.nonce === me.nonce) {
      await appendFile(lock, ' '); // JSON all the same, and whole at every moment
      return;
    }
    // This node was frozen for so long that another run took over: two writers would spoil the results of both.
    ending.because({
      kind: 'internal',
      what: `the same folder is written by run ${holder?.runId ?? '(unknown)'} now, since this one had not been heard of for long`,
    });
  } catch (error) {
    log('Folder:LockNotRenewed', { why: String(error) });
  }
}

/** undefined where there is no lock. One that cannot be read is nobody's we know: it counts until it is stale. */
async function holderOf(lock: string): Promise<Holder | undefined> {
  const text = await readText(lock).catch(ifMissing(undefined));
  if (text === undefined) return undefined;
  try {
    return holderRecord.parse(JSON.parse(text));
  } catch {
    return { runId: '(unreadable lock)', attempt: 0, nonce: text };
  }
}
