import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FaultName } from './faults.ts';
import { FAULTS } from './faults.ts';
import { live } from './live.ts';
import type { StartOptions } from './run-manifest.ts';
import { runManifest } from './run-manifest.ts';

const HELP = `npm start [-- [OPTIONS] [MANIFEST]]

Runs an experiment on this machine: the whole of sierra-batch, with as many nodes as the manifest says, each with an sshd
of its own on a loopback address. Without a manifest it runs examples/sweep.yaml.

  --nodes N           another number of nodes
  --fanout SCHEME     pool (one GNU parallel a node) or stock (SIERRA's own line)
  --fault NAME        what users of AWS Batch meet: ${FAULTS.join(', ')}
  --yes               install missing Debian packages without asking
  --help

Everything is left in .sierra-batch/bucket/, laid out as in the real bucket. Ends with the runner's exit code: 0 all tasks
succeeded, 1 some failed, 2 bad manifest or machine; the others are in docs/architecture.md.

Example: npm start -- --nodes 2 --fault node-lost examples/sweep.yaml
`;

/** `npm start`. Ends with the runner's exit code. */
async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'number') return options;
  const surroundings = live();
  if (!packagesReady(options.yes || !surroundings.asks)) return 2;
  return runManifest(options, surroundings);
}

/** GNU parallel and OpenSSH, installed after asking. */
function packagesReady(yes: boolean): boolean {
  const script = fileURLToPath(new URL('../scripts/packages.mjs', import.meta.url));
  return spawnSync(process.execPath, [script, ...(yes ? ['--yes'] : [])], { stdio: 'inherit' }).status === 0;
}

function readOptions(): (StartOptions & { yes: boolean }) | number {
  let parsed: ReturnType<typeof parseOptions>;
  try {
    parsed = parseOptions();
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 1) return refuse('one manifest at a time');
  const nodes = values.nodes === undefined ? undefined : Number(values.nodes);
  if (nodes !== undefined && !(Number.isInteger(nodes) && nodes >= 1 && nodes <= 16))
    return refuse('--nodes takes a number from 1 to 16');
  const { fanout, fault } = values;
  if (fanout !== undefined && fanout !== 'pool' && fanout !== 'stock')
    return refuse('--fanout takes pool or stock');
  if (fault !== undefined && !isFault(fault)) return refuse(`--fault takes one of ${FAULTS.join(', ')}`);
  const root = fileURLToPath(new URL('..', import.meta.url));
  const file = resolve(positionals[0] ?? join(root, 'examples/sweep.yaml'));
  if (!existsSync(file)) return refuse(`there is no file ${positionals[0]}`);
  return {
    file,
    shownAs: positionals[0] ?? relative(process.cwd(), file),
    folder: resolve('.sierra-batch'),
    yes: values.yes === true,
    ...(nodes === undefined ? {} : { nodes }),
    ...(fanout === undefined ? {} : { fanout }),
    ...(fault === undefined ? {} : { fault }),
  };
}

function parseOptions() {
  return parseArgs({
    allowPositionals: true,
    options: {
      nodes: { type: 'string' },
      fanout: { type: 'string' },
      fault: { type: 'string' },
      yes: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function isFault(name: string): name is FaultName {
  return FAULTS.some((fault) => fault === name);
}

function refuse(what: string): number {
  process.stderr.write(`npm start: ${what} (npm start -- --help tells more)\n`);
  return 2;
}

process.exit(await main());
