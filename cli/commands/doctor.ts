import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RUN_PREFIX } from '../../experiment/bucket-layout.ts';
import { EXIT } from '../../experiment/exit-code.ts';
import type { Context } from '../context.ts';
import { CommandFailed } from '../failure.ts';
import { surroundings } from '../live.ts';

interface Finding {
  what: string;
  ok: boolean;
  todo: string;
}

/** What the local system starts, and the Debian package that has it. */
const PROGRAMS = {
  bash: 'bash',
  parallel: 'parallel',
  perl: 'perl',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
} as const;

/** `sierra-batch doctor` */
export async function doctor(context: Context): Promise<number> {
  const { terminal, asJson } = context;
  const findings = [...(context.hasStack ? [] : machine()), await system(context)];
  if (asJson) terminal.json(findings);
  else
    for (const { what, ok, todo } of findings)
      terminal.say(`${ok ? 'ok     ' : 'missing'} ${what}${ok ? '' : `: ${todo}`}`);
  return findings.every(({ ok }) => ok) ? EXIT.succeeded : EXIT.badEnvironment;
}

function machine(): Finding[] {
  const folders = [...surroundings.searchPath.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return [
    {
      what: 'Linux',
      ok: process.platform === 'linux',
      todo: 'nodes of the local system need it; runs on AWS do not',
    },
    ...Object.entries(PROGRAMS).map(([program, name]) => ({
      what: program,
      ok: folders.some((folder) => existsSync(join(folder, program))),
      todo: `install the package ${name}, or run \`npm start\`, which does`,
    })),
  ];
}

/** One request to the bucket: credentials, region, outputs and permission have to be right for it. */
async function system(context: Context): Promise<Finding> {
  try {
    const target = await context.target();
    await target.store.folders(RUN_PREFIX);
    const ok = target.live !== undefined;
    return { what: target.name, ok, todo: 'it is not up: start it with `sierra-batch local`' };
  } catch (error) {
    const todo = error instanceof CommandFailed || error instanceof Error ? error.message : String(error);
    return { what: context.hasStack ? 'the stack' : 'a local system', ok: false, todo };
  }
}
