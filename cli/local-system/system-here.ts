import { resolve } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import { LOCAL_FOLDER } from '../../experiment/deployment/local-endpoint.ts';
import { onThisMachine } from '../../local/start/on-this-machine.ts';
import { shownSettings } from '../../local/system/settings.ts';
import { FolderInUse } from '../../local/util/folder-lock.ts';
import type { Context } from '../context/context.ts';
import type { LiveTarget, OwnTarget } from '../context/target.ts';
import { isLive } from '../context/target.ts';
import { CommandFailed } from '../errors/failure.ts';

// The one file of cli/ beside `local` that knows the local system: it starts one for a command that needs it.

/** What a command does with a system, and its exit code. */
type Work<Of> = (context: Context, target: Of) => Promise<number>;

/** With the system that the options mean; where that is a local one that is not up, with one that is kept up meanwhile. @throws CommandFailed */
export async function withLiveSystem(
  context: Context,
  yes: true | undefined,
  work: Work<LiveTarget>,
): Promise<number> {
  const target = await context.target();
  return isLive(target) ? work(context, target) : systemHere(context, { ...target, yes }, work);
}

/** Undefined where no stack is named and none is up here. @throws CommandFailed */
export async function systemThatIsUp(context: Context): Promise<LiveTarget | undefined> {
  const target = await context.target().catch((error: unknown) => {
    if (context.hasStack || !(error instanceof CommandFailed)) throw error;
    return undefined;
  });
  return target !== undefined && isLive(target) ? target : undefined;
}

/**
 * With a system of its own, which stays until all its runs have ended, those of other commands too; Ctrl-C stops them.
 * @param folder `.sierra-batch`, absolute; without it, that of this folder @param yes installs missing packages without asking
 */
export async function systemHere(
  context: Context,
  {
    folder = resolve(context.cwd, LOCAL_FOLDER),
    yes,
  }: { folder?: string | undefined; yes?: true | undefined },
  work: Work<OwnTarget>,
): Promise<number> {
  const { cwd, clock, terminal, packageFolder } = context;
  const [{ keepUp }, { localTarget }] = await Promise.all([
    import('../../local/system/keep-up.ts'),
    import('../context/find-target.ts'),
  ]);
  context.takeInterruption();
  let say = terminal.remark;
  const sayBy = (other = terminal.remark) => {
    say = other;
  };
  return onThisMachine(packageFolder, yes === true, async (surroundings, interruption) => {
    const settings = shownSettings({ folder, from: cwd }, surroundings, (line) => say(line));
    const keeping = { settings, interruption, say: (line: string) => say(line) };
    try {
      return await keepUp(keeping, ({ s3, states, batch, deployment }) => {
        const live = {
          bucket: async () => new Bucket(s3, deployment.bucket, clock),
          states: async () => states,
          batch: async () => batch,
          user: async () => settings.image.USER ?? 'someone',
          deployment,
        };
        const own = { stopping: interruption.asked, sayBy };
        const target = { ...localTarget(cwd, folder, live), live, own };
        return work({ ...context, target: async () => target }, target);
      });
    } catch (error) {
      throw error instanceof FolderInUse ? new CommandFailed(error.message) : error;
    }
  });
}
