import type { Command } from '@commander-js/extra-typings';
import { Argument } from '@commander-js/extra-typings';
import { example, JSON_HELP } from '../context/arguments.ts';
import type { Running } from '../context/context.ts';

/** `sierra-batch completion SHELL` */
export function defineCompletion(program: Command, { begin }: Running): void {
  program
    .command('completion')
    .summary('print the completion for a shell')
    .description(
      'Prints a script that completes commands, options, their values, files and ids of runs. For bash keep it as below; for zsh as _sierra-batch in a folder of $fpath, or source it after compinit.',
    )
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh'] as const))
    .option('--json', JSON_HELP)
    .addHelpText(
      'after',
      example('sierra-batch completion bash > ~/.local/share/bash-completion/completions/sierra-batch'),
    )
    .action((shell, options) =>
      begin(options, async ({ terminal, asJson }) => {
        const script = (await import('../completion.ts')).completion(program.commands, shell);
        if (asJson) terminal.json({ shell, script });
        else await terminal.write(script);
        return 0;
      }),
    );
}
