import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { aborted } from '../../../experiment/util/timers.ts';
import { realClock } from '../../../local/clock/real.ts';
import { listenForInterruption } from '../../../local/start/interruption.ts';
import { runManifest } from '../../../local/start/run-manifest.ts';
import { live } from '../../../local/system/live.ts';
import { sudoCaller } from './caller.ts';
import { Cluster, NeedsRoot } from './cluster.ts';
import { MachineFailed, SHARED_MOUNT } from './machine/machine.ts';
import { machinesOf } from './nodes.ts';
import { openSshdByHand } from './sshd-by-hand.ts';

const MAX_NODES = 16;

const HELP = `npm run cluster -- N [MANIFEST]

Brings up N nodes (1 to ${MAX_NODES}) on this machine, each with an address, host name, /tmp, mounts and processes of its own and an
sshd on port 22. Needs root. Without a manifest they stay until Ctrl-C, to look around in, and reach each other by ssh; with
one, the whole of sierra-batch runs it on them, as npm start does. With sudo its commands run as the person who typed it; where
root itself calls, as root of this machine, on its files. Nothing of the nodes is left afterwards.

Exit codes: those of npm start; 2 when the nodes cannot be made.

Example: npm run cluster -- 4 examples/sweep.yaml
`;

/** `npm run cluster`. Answers the exit code. */
export async function runCluster(args: readonly string[]): Promise<number> {
  const [count = '', manifest, ...more] = args;
  if (count === '--help' || count === '-h') {
    process.stdout.write(HELP);
    return EXIT.succeeded;
  }
  const nodes = Number(count);
  if (!(Number.isInteger(nodes) && nodes >= 1 && nodes <= MAX_NODES))
    return refuse(`how many nodes? A number from 1 to ${MAX_NODES}, not ${JSON.stringify(count)}`);
  if (more.length > 0) return refuse('one manifest at a time');
  const surroundings = live();
  const file = manifest === undefined ? undefined : resolve(surroundings.from, manifest);
  if (file !== undefined && !existsSync(file)) return refuse(`there is no file ${manifest}`);
  const folder = resolve('.sierra-batch');
  const shared = join(folder, 'shared');
  const caller = sudoCaller(process.env);
  const interruption = listenForInterruption(realClock, surroundings.throughNpm);
  let cluster: Cluster;
  try {
    mkdirSync(shared, { recursive: true });
    if (caller !== undefined) chownSync(shared, caller.uid, caller.gid);
    const before = performance.now();
    cluster = await Cluster.open(nodes, shared);
    if (file === undefined) await openSshdByHand(cluster).catch((error) => closeAfter(cluster, error));
    introduce(cluster, performance.now() - before, file === undefined);
  } catch (error) {
    if (error instanceof NeedsRoot || error instanceof MachineFailed) return refuse(error.message);
    throw error;
  }
  try {
    if (file !== undefined && manifest !== undefined) {
      const options = { file, shownAs: manifest, folder, from: surroundings.from, nodes, yes: false };
      return await runManifest(options, surroundings, interruption, machinesOf(cluster, caller));
    }
    say('Ctrl-C ends them.');
    await aborted(interruption.asked);
    return EXIT.succeeded;
  } finally {
    await cluster.close();
    interruption.stop();
  }
}

async function closeAfter(cluster: Cluster, error: unknown): Promise<never> {
  await cluster.close();
  throw error;
}

function introduce(cluster: Cluster, ms: number, byHand: boolean): void {
  const { limits, machines } = cluster;
  for (const machine of machines)
    say(`node ${machine.settings.index}  ${machine.settings.address}  ${machine.shell}`);
  say(
    `${machines.length} nodes up in ${(ms / 1000).toFixed(1)} s; shared storage is ${SHARED_MOUNT} on each`,
  );
  if (byHand) say('each has an sshd on port 22: from any of them, ssh 10.0.1.N reaches another');
  say(
    limits.version === 0
      ? `no limits on memory and processes: cgroups cannot be used here (${limits.why})`
      : `memory and processes are limited by cgroups, version ${limits.version}`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function refuse(why: string): number {
  process.stderr.write(`npm run cluster: ${why} (npm run cluster -- --help tells more)\n`);
  return EXIT.badEnvironment;
}
