import { resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { LOCAL_FOLDER } from '../../experiment/deployment/local-endpoint.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { aborted } from '../../experiment/util/timers.ts';
import { example, JSON_HELP, portNumber } from '../context/arguments.ts';
import type { Context, Running } from '../context/context.ts';
import type { OwnTarget } from '../context/target.ts';
import { CommandFailed } from '../errors/failure.ts';
import { systemHere } from '../local-system/system-here.ts';
import { openInBrowser } from './runs/report.ts';

/** `sierra-batch local` */
export function defineLocal(program: Command, { begin }: Running): void {
  program
    .command('local')
    .summary('run the local system in the foreground')
    .description(
      'Keeps a whole system up on this machine, in .sierra-batch of this folder, until Ctrl-C; other commands find it there.',
    )
    .option('--open', 'show the page of runs in the browser')
    .option(
      '--port <number>',
      'serve the page of runs there, at the same address after each start: for a bookmark',
      portNumber,
    )
    .option('--yes', 'install missing Debian packages without asking')
    .option('--json', JSON_HELP)
    .addHelpText('after', example('sierra-batch local --open'))
    .action((options) =>
      begin(options, (context) => {
        const folder = resolve(context.cwd, LOCAL_FOLDER);
        return systemHere(context, { folder, yes: options.yes }, (here, target) =>
          local(here, target, { ...options, folder }),
        );
      }),
    );
}

/** Shows the page of runs until the command is asked to end. */
async function local(
  { terminal, asJson, clock, nonce }: Context,
  { live, own }: OwnTarget,
  { folder, port, open }: { folder: string; port?: number | undefined; open?: true | undefined },
): Promise<number> {
  const { keptSecret, openerOf, startLivePage } = await import('../../local/start/live-page.ts');
  const bucket = await live.bucket();
  const secret = port === undefined ? nonce() : keptSecret(folder, nonce);
  const page = await startLivePage({ bucket, clock, secret, port }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE')
      throw new CommandFailed(`--port ${port}: another program listens there already; choose another number`);
    if (code === 'EACCES')
      throw new CommandFailed(`--port ${port}: this user may not listen there; choose a number from 1024 on`);
    throw error;
  });
  try {
    if (asJson) terminal.json({ folder, bucket: bucket.name, page: page.url });
    else {
      terminal.say(`The local system is up in ${folder}. Ctrl-C ends it.`);
      terminal.say('In another terminal: sierra-batch run FILE');
      terminal.say(`Page of runs, live: ${page.url}`);
    }
    if (open === true) await openInBrowser(openerOf(folder, page));
    await aborted(own.stopping);
  } finally {
    await page.close();
  }
  return EXIT.succeeded;
}
