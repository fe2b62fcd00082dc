import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeProgram } from '../../cli/program.ts';

// Writes docs/commands.md from the definitions of the commands; `--check` tells whether it is current.
const file = fileURLToPath(new URL('../../docs/commands.md', import.meta.url));
const program = makeProgram('', { begin: async () => undefined });

const parts = [
  '# Commands\n',
  'Written by `npx --no-install node scripts/docs/commands.ts` from `cli/program.ts`; `npm run check` compares.\n',
];
parts.push(`\`\`\`\n${helpOf(program)}\`\`\`\n`);
for (const command of program.commands) {
  parts.push(`## ${command.name()}\n`, `\`\`\`\n${helpOf(command)}\`\`\`\n`);
}
const text = parts.join('\n');

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error(
    'docs/commands.md is not what cli/program.ts says: run `npx --no-install node scripts/docs/commands.ts`.',
  );
  process.exitCode = 1;
}

/** All that `--help` prints, at one width whatever terminal this runs in. */
function helpOf(command: (typeof program.commands)[number] | typeof program): string {
  let help = '';
  command.configureHelp({ helpWidth: 110 });
  command.configureOutput({
    writeOut: (written) => {
      help += written;
    },
  });
  command.outputHelp();
  return `${help.trimEnd()}\n`;
}
