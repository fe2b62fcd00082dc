import { readFile } from 'node:fs/promises';
import type { CheckFault } from '../../experiment/records/progress.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import { findOnPath } from '../util/find-on-path.ts';
import { commandOutput } from '../util/run-command.ts';

const HAS_AWSBATCH =
  'import importlib.util, sys; sys.exit(0 if importlib.util.find_spec("sierra.plugins.execenv.hpc.awsbatch") or importlib.util.find_spec("sierra.plugins.hpc.awsbatch") else 3)';

/** What a shell does not take for a letter of a path; SIERRA quotes none. */
const SPECIAL = /[\s'"\\$`&|;<>()*?[\]{}!#~]/;

/** `sierra` (1.5.16) or `sierra-cli` (before it) on the manifest's PATH, with its awsbatch plugin; or the fault. */
export async function findSierra({
  config,
  plan,
}: AttemptPart<'config' | 'plan'>): Promise<string | Omit<CheckFault, 'node'>> {
  // Else it would write to the path's first word, and say that all went well.
  if (SPECIAL.test(config.shared))
    return {
      check: 'path-not-for-sierra',
      what: `SIERRA hands paths to a shell without quotes, and ${config.shared} has a blank or another special character`,
      todo: 'start the local system (`sierra-batch local`, `npm start`) in a folder whose path has none',
    };
  const environment = { ...config.variables, ...plan.environment };
  const program = findOnPath(['sierra', 'sierra-cli'], environment.PATH);
  if (program === undefined)
    return {
      check: 'no-sierra',
      what: `there is no sierra and no sierra-cli on PATH (${environment.PATH ?? ''})`,
      todo: 'install sierra-research in the image, or give `environment.PATH` of the manifest its virtual environment',
    };
  // The interpreter named in the script's first line is the one that has SIERRA's packages.
  const [first = ''] = (await readFile(program, 'latin1')).split('\n', 1);
  const python = /^#!\s*(\S*python\S*)/.exec(first)?.[1];
  if (python === undefined) return program;
  const asked = await commandOutput(python, ['-c', HAS_AWSBATCH], { timeoutMs: 60_000, env: environment });
  if (asked.code !== 3) return program;
  return {
    check: 'no-awsbatch-plugin',
    what: `${program} has no plugin hpc.awsbatch`,
    todo: 'install sierra-research 1.5.8 or later',
  };
}
