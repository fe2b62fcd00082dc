import { spawnSync } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { plainLine } from '../../experiment/text/terminal-codes.ts';
import { realClock } from '../../local/clock/real.ts';
import { listenForInterruption } from '../../local/start/interruption.ts';
import { startLivePage } from '../../local/start/live-page.ts';
import { live } from '../../local/system/live.ts';
import { startSystem } from '../../local/system/system.ts';
import { folderTrouble } from '../../local/util/folder-lock.ts';
import type { Context } from '../context/context.ts';
import { CommandFailed } from '../errors/failure.ts';

/** `sierra-batch local`: keeps a system up in `.sierra-batch` until it is asked to end. The one file that knows local/. */
export async function local(
  context: Context,
  options: { open?: true | undefined; yes?: true | undefined },
): Promise<number> {
  const { terminal, cwd, packageFolder } = context;
  const surroundings = live();
  const script = join(packageFolder, 'scripts/install/packages.mjs');
  const yes = options.yes === true || !surroundings.asks ? ['--yes'] : [];
  if (spawnSync(process.execPath, [script, ...yes], { stdio: 'inherit' }).status !== 0)
    return EXIT.badEnvironment;
  context.takeInterruption();
  const interruption = listenForInterruption(realClock, false);
  const folder = resolve(cwd, '.sierra-batch');
  const system = await startSystem({
    folder,
    clock: realClock,
    nonce: surroundings.nonce,
    image: surroundings.image,
    defaultVcpus: surroundings.vcpus,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => terminal.remark(plainLine(`${event} ${JSON.stringify(fields)}`)),
    },
    onMail: ({ subject }, file) => terminal.remark(`mail  ${plainLine(subject)}  (${relative(cwd, file)})`),
  }).catch((error: unknown) => {
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
    const page = livePage.url;
    if (context.asJson) terminal.json({ folder, bucket, page });
    else {
      terminal.say(`The local system is up in ${folder}. Ctrl-C ends it.`);
      terminal.say('In another terminal: sierra-batch submit FILE --watch');
      terminal.say(`Page of runs, live: ${page}`);
    }
    if (options.open === true) await (await import('open')).default(page);
    const onInsisted = () => system.kill();
    interruption.insisted.addEventListener('abort', onInsisted);
    if (!interruption.asked.aborted)
      await new Promise((done) => interruption.asked.addEventListener('abort', done, { once: true }));
    terminal.remark('Stopping: this waits until no run is at work. (Ctrl-C once more kills what is.)');
  } finally {
    await livePage.close();
    await system.close();
    interruption.stop();
  }
  return EXIT.succeeded;
}
