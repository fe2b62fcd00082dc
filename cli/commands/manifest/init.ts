import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { example, JSON_HELP } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { writeFor } from '../../output/write-for.ts';
import { COMMANDS_MANIFEST, SIERRA_MANIFEST } from './examples.ts';

/** `sierra-batch init [FILE]` */
export function defineInit(program: Command, { begin }: Running): void {
  program
    .command('init')
    .summary('write a manifest to begin with')
    .description('Writes a commented manifest with a schema line, so that editors complete and check it.')
    .argument('[file]', 'where to', 'experiment.yaml')
    .option('--sierra', 'for a SIERRA experiment instead of a list of commands')
    .option('--force', 'overwrite a file that is there')
    .option('--json', JSON_HELP)
    .addHelpText('after', example('sierra-batch init --sierra foraging.yaml'))
    .action((file, options) => begin(options, (context) => init(context, file, options)));
}

export async function init(
  context: Context,
  shownAs: string,
  { sierra, force }: { sierra?: true | undefined; force?: true | undefined },
): Promise<number> {
  const { terminal, cwd, packageFolder } = context;
  if (!/\.ya?ml$/.test(shownAs))
    throw new CommandFailed(`the manifest is YAML with comments: ${shownAs} has to end in .yaml or .yml`);
  const file = resolve(cwd, shownAs);
  if (existsSync(file) && force !== true && !(await mayOverwrite(context, shownAs)))
    throw new CommandFailed(`${shownAs} is there already; name another file, or overwrite it with --force`);
  const schema = schemaFor(file, `${packageFolder}docs/schema/manifest.schema.json`);
  const body = sierra === true ? SIERRA_MANIFEST : COMMANDS_MANIFEST;
  writeFor(file, shownAs, `# yaml-language-server: $schema=${schema}\n${body}`);
  if (context.asJson) terminal.json({ file: shownAs, schema });
  else {
    terminal.say(`Written: ${shownAs}. Next:`);
    terminal.say(`  sierra-batch validate ${shownAs}`);
    terminal.say(`  sierra-batch run ${shownAs}`);
  }
  return EXIT.succeeded;
}

/** Editors read up to the first blank, and take only a URL's `%20` for one. */
function schemaFor(file: string, schema: string): string {
  const path = relative(dirname(file), schema);
  return /\s/.test(path) ? pathToFileURL(schema).href : path;
}

async function mayOverwrite({ terminal }: Context, shownAs: string): Promise<boolean> {
  if (!terminal.asks) return false;
  const { confirm } = await import('@clack/prompts');
  return (
    (await confirm({ message: `${shownAs} is there already. Overwrite it?`, initialValue: false })) === true
  );
}
