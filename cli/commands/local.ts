import { resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { aborted } from '../../experiment/util/timers.ts';
import { realClock } from '../../local/clock/real.ts';
import { listenForInterruption } from '../../local/start/interruption.ts';
import { packagesReady } from '../../local/start/packages-ready.ts';
import { live } from '../../local/system/live.ts';
import { shownSettings } from '../../local/system/settings.ts';
import { folderTrouble } from '../../local/util/folder-lock.ts';
import { example, JSON_HELP } from '../context/arguments.ts';
import type { Context, Running } from '../context/context.ts';
import { CommandFailed } from '../errors/failure.ts';

/** `sierra-batch local` */
export function defineLocal(program: Command, { begin }: Running): void {
  program
    .command('local')
    .summary('run the local system in the foreground')
    .description(
      'Keeps a whole system up on this machine, in .sierra-batch of this folder, until Ctrl-C; other commands find it there.',
    )
    .option('--open', 'show the page of runs in the browser')
    .option('--yes', 'install missing Debian packages without asking')
    .option('--json', JSON_HELP)
    .addHelpText('after', example('sierra-batch local --open'))
    .action((options) => begin(options, (context) => local(context, options)));
}

/** Keeps a system up in `.sierra-batch` until it is asked to end. The one file that knows local/. */
async function local(
  context: Context,
  options: { open?: true | undefined; yes?: true | undefined },
): Promise<number> {
  const [{ startSystem }, { startLivePage }] = await Promise.all([
    import('../../local/system/system.ts'),
    import('../../local/start/live-page.ts'),
  ]);
  const { terminal, cwd } = context;
  const surroundings = live();
  if (!packagesReady(context.packageFolder, options.yes === true || !surroundings.asks))
    return EXIT.badEnvironment;
  context.takeInterruption();
  const interruption = listenForInterruption(realClock, false);
  const folder = resolve(cwd, '.sierra-batch');
  const settings = shownSettings({ folder, from: cwd }, surroundings, terminal.remark);
  const system = await startSystem(settings).catch((error: unknown) => {
    const trouble = folderTrouble(error, folder);
    throw trouble === undefined ? error : new CommandFailed(trouble);
  });
  const { s3, bucket } = system;
  const secret = surroundings.nonce();
  const livePage = await startLivePage({ s3, bucket, clock: realClock, secret }).catch(
    async (error: unknown) => {
      await system.close();
      throw error;
    },
  );
  try {
    tellWhere(context, { folder, bucket, page: livePage.url });
    if (options.open === true) await (await import('open')).default(livePage.url);
    const onInsisted = () => system.kill();
    interruption.insisted.addEventListener('abort', onInsisted);
    await aborted(interruption.asked);
    terminal.remark('Stopping; waiting for all runs to finish. (Ctrl-C once more kills them.)');
  } finally {
    await livePage.close();
    await system.close();
    interruption.stop();
  }
  return EXIT.succeeded;
}

function tellWhere(
  { terminal, asJson }: Context,
  { folder, bucket, page }: { folder: string; bucket: string; page: string },
): void {
  if (asJson) terminal.json({ folder, bucket, page });
  else {
    terminal.say(`The local system is up in ${folder}. Ctrl-C ends it.`);
    terminal.say('In another terminal: sierra-batch run FILE');
    terminal.say(`Page of runs, live: ${page}`);
  }
}
