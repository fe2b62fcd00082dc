import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { makeProgram } from '../../cli/program.ts';
import { readStartOptions } from '../../local/start/options.ts';
import { entriesAt } from '../../scripts/check-aws/template/json.ts';
import { readTemplate } from '../../scripts/check-aws/template/read.ts';
import { readDeployOptions } from '../../scripts/deploy/arguments.ts';
import { readImageOptions } from '../../scripts/image/options.ts';
import { repository } from '../cli/context.ts';

/** Commands of others that stand in blocks which are not run. */
const OTHERS = [/^aws s3 cp \S+ s3:\/\/\S+$/, /^export [A-Z_]+=\S+$/];

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(`${repository}package.json`, 'utf8'),
);

/**
 * What is wrong with commands that cannot be run here: bash's grammar, a command or an option that there is none of.
 * Judged by what the commands themselves read their options with.
 */
export function faultsOf(commands: string): string[] {
  const grammar = spawnSync('bash', ['-n'], { input: commands, encoding: 'utf8' });
  if (grammar.status !== 0) return [grammar.stderr];
  return commands
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .flatMap((line) => {
      const why = faultOf(line.replace(/^[A-Z]+=\$\((.*)\)$/, '$1').replace(/^sudo /, ''));
      return why === undefined ? [] : [`${line}: ${why}`];
    });
}

function faultOf(line: string): string | undefined {
  if (OTHERS.some((pattern) => pattern.test(line))) return undefined;
  const [program = '', ...words] = line.match(/"[^"]*"|\S+/g) ?? [];
  if (program === 'sierra-batch') return faultOfCommand(words);
  if (line.startsWith('npx --no-install sierra-batch ')) return faultOfCommand(words.slice(2));
  if (program === 'npm') return faultOfScript(words);
  return 'not a command that is known here';
}

/** By commander, from the definitions that the command line has. */
function faultOfCommand(words: readonly string[]): string | undefined {
  const program = makeProgram('', { begin: async () => undefined });
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  try {
    program.parse(
      words.map((word) => (/^\$[A-Z]+$/.test(word) ? 'a-run-0123456789a' : word)),
      { from: 'user' },
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function faultOfScript([first = '', ...words]: readonly string[]): string | undefined {
  const [name = '', ...rest] = first === 'run' ? words : [first, ...words];
  if (scripts[name] === undefined) return `package.json has no script ${name}`;
  if (rest.length > 0 && rest[0] !== '--') return 'npm takes options of a script only behind --';
  const options = rest.slice(1);
  switch (name) {
    case 'start':
      return why(readStartOptions(options, { from: '/', cwd: '/', repository }));
    case 'deploy':
      return why(readDeployOptions(options, templateParameters()));
    case 'image':
      return why(readImageOptions(options));
    case 'cluster':
      return /^\d+( \S+)?$/.test(options.join(' ')) ? undefined : 'takes N [MANIFEST]';
    default:
      return options.length === 0 ? undefined : `nobody here knows the options of ${name}`;
  }
}

function why(request: { kind: string; why?: string }): string | undefined {
  return request.kind === 'refused' ? request.why : undefined;
}

function templateParameters(): string[] {
  const template = readTemplate(readFileSync(`${repository}template.yaml`, 'utf8'));
  return entriesAt(template, 'Parameters').map(([name]) => name);
}
