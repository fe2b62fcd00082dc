import { join, relative, resolve } from 'node:path';
import type { ManifestResult } from '../../experiment/manifest/parse.ts';
import type { FanoutScheme } from '../../experiment/plan/plan.ts';
import { defined } from '../../experiment/util/defined.ts';
import type { FaultName } from '../system/faults.ts';
import { FAULTS } from '../system/faults.ts';
import { readArguments } from '../util/read-arguments.ts';

export interface StartOptions {
  /** The manifest, absolute. */
  file: string;
  /** As the user wrote it. */
  shownAs: string;
  /** `.sierra-batch`, absolute. */
  folder: string;
  /** Where the user is: paths are shown from here. */
  from: string;
  nodes?: number;
  fanout?: FanoutScheme;
  fault?: FaultName;
  /** Install missing Debian packages without asking. */
  yes: boolean;
}

export type Parsed = Extract<ManifestResult, { ok: true }>;

export type StartRequest =
  | { kind: 'run'; options: StartOptions }
  | { kind: 'help'; text: string }
  | { kind: 'refused'; why: string };

const MAX_NODES = 16;

const HELP = `npm start [-- [OPTIONS] [MANIFEST]]

Runs an experiment on this machine: the whole of sierra-batch, with as many nodes as the manifest says, each with an
sshd of its own on a loopback address. Without a manifest it runs examples/sweep.yaml.

  --nodes N           another number of nodes, 1 to ${MAX_NODES}
  --fanout SCHEME     pool (one GNU parallel a node) or stock (SIERRA's own line)
  --fault NAME        something that happens to users of AWS Batch, to be seen here:
                        stuck-runnable      there are no free machines
                        worker-never-comes  one node starts and never reports
                        failing-task        every seventh task fails
                        node-lost           one node dies while it works
                        event-lost          AWS tells nothing of what happens
  --yes               install missing Debian packages without asking
  -h, --help          this text

Everything is left in .sierra-batch/bucket/, laid out as in the real bucket. Ctrl-C stops the run and waits until
nothing of it is left; a second Ctrl-C kills what still runs.

Exit codes: 0 all tasks succeeded, 1 some failed, 2 bad manifest or machine, 3 too few nodes came, 4 too many were
lost, 5 SIERRA itself failed, 7 the budget is used up, 124 a time limit was reached, 143 stopped.

Example: npm start -- --nodes 2 --fault node-lost examples/sweep.yaml
`;

/**
 * What a command line asks for. Pure: nothing is looked up.
 * @param places where the user is, where npm runs us, and the repository
 */
export function readStartOptions(
  args: readonly string[],
  places: { from: string; cwd: string; repository: string },
): StartRequest {
  const parsed = readArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      nodes: { type: 'string' },
      fanout: { type: 'string' },
      fault: { type: 'string' },
      yes: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if ('why' in parsed) return { kind: 'refused', why: parsed.why };
  const { values, positionals } = parsed;
  if (values.help === true) return { kind: 'help', text: HELP };
  const refused = (why: string): StartRequest => ({ kind: 'refused', why });
  if (positionals.length > 1) return refused(`one manifest at a time, not ${positionals.length}`);
  const nodes = values.nodes === undefined ? undefined : Number(values.nodes);
  if (nodes !== undefined && !(Number.isInteger(nodes) && nodes >= 1 && nodes <= MAX_NODES))
    return refused(`--nodes takes a number from 1 to ${MAX_NODES}, not ${values.nodes}`);
  const { fanout, fault } = values;
  if (fanout !== undefined && fanout !== 'pool' && fanout !== 'stock')
    return refused(`--fanout takes pool or stock, not ${fanout}`);
  if (fault !== undefined && !isFault(fault))
    return refused(`--fault takes one of ${FAULTS.join(', ')}, not ${fault}`);
  const { from, cwd, repository } = places;
  const [written] = positionals;
  const file = written === undefined ? join(repository, 'examples/sweep.yaml') : resolve(from, written);
  return {
    kind: 'run',
    options: {
      file,
      shownAs: written ?? relative(from, file),
      folder: resolve(cwd, '.sierra-batch'),
      from,
      yes: values.yes === true,
      ...defined({ nodes, fanout, fault }),
    },
  };
}

function isFault(name: string): name is FaultName {
  return FAULTS.some((fault) => fault === name);
}
