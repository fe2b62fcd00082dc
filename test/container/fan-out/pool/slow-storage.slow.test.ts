import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import { runFanout } from '../../../support/run-fan-out.ts';
import { StrangeStorage } from '../../../worlds/cluster/faults/strange-storage.ts';

const SLOTS = 2;
/** As EFS: ten milliseconds and more until a task has its files. */
const DELAY_SECONDS = 0.002;

interface Said {
  what: 'began' | 'ended';
  at: number;
  host: string;
  slot: number;
  runner: number;
}

let nodes: LoopbackNodes;
let shared: string;
let storage: StrangeStorage | undefined;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
  shared = join(nodes.folder, 'shared');
  mkdirSync(shared);
  storage = await StrangeStorage.mount(shared, process.pid, 30);
  await storage.slow(DELAY_SECONDS);
});
afterAll(async () => {
  await storage?.unmount();
  await nodes.close();
});

describe('on storage that takes its time, the pool', () => {
  it('opens the files of some tasks while others run, and runs no more at once than there are slots', async () => {
    const log = join(nodes.folder, 'said');
    const say = (what: string) =>
      `echo ${what} $EPOCHREALTIME $PARALLEL_SSHHOST $PARALLEL_JOBSLOT $PPID >> ${log}`;
    // Late ones take long: what waits on their nodes for a slot must go where there is one.
    const commands = Array.from(
      { length: 400 },
      (_, at) =>
        `: ${at}; ${say('began')}; ${[350, 380].includes(at) ? 'sleep 3' : ':'}; ${say('ended')}; exit 0`,
    );
    const run = runFanout(startPool(realClock), nodes, commands, { ...inFolder('slots'), slots: SLOTS });
    expect(await run.result).toEqual({ succeeded: 400, failed: 0, retried: 0, unfinished: 0 });
    const rows = parseJoblog(readFileSync(run.request.joblog, 'utf8'));
    expect(rows.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(commands.map((_, at) => at + 1));

    const said = parse(readFileSync(log, 'utf8'));
    expect(said.filter(({ what }) => what === 'began')).toHaveLength(400);
    for (const host of nodes.addresses) {
      const here = said.filter((one) => one.host === host);
      expect(here.length).toBeGreaterThan(50);
      const { most, shares } = slotsTaken(here);
      expect(most).toBeLessThanOrEqual(SLOTS);
      expect(shares).toEqual([]);
      expect(mostRunnersAtOnce(here)).toBeGreaterThan(SLOTS);
    }
  }, 60_000);

  it('leaves the files of a running task alone while others of the same beginning wait for its slot', async () => {
    // What a task says goes through a pipe to its runner, which has the file open.
    const command = (at: number) =>
      `: ${'x'.repeat(300)}; out=$(readlink /proc/$PPID/fd/* | grep '/stdout$'); echo mine ${at}; for look in {1..400}; do grep -qx 'mine ${at}' "$out" && break; sleep 0.01; done; test "$(cat "$out")" = 'mine ${at}' && test "$(cat "\${out%stdout}seq")" = $PARALLEL_SEQ`;
    const commands = Array.from({ length: 120 }, (_, at) =>
      at % 2 === 0 ? `: ${at}; sleep 0.01` : command(at),
    );
    const run = runFanout(startPool(realClock), nodes, commands, {
      ...inFolder('twins'),
      nodes: [{ index: 0, address: nodes.addresses[0] ?? '', slots: 1 }],
    });
    expect(await run.result).toEqual({ succeeded: 120, failed: 0, retried: 0, unfinished: 0 });
  }, 60_000);
});

function inFolder(name: string) {
  const of = (part: string) => join(shared, name, part);
  mkdirSync(join(shared, name));
  return { results: of('results'), joblog: of('joblog'), workdir: of('work'), scratch: of('scratch') };
}

function parse(text: string): Said[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [what, at, host = '', slot, runner] = line.split(' ');
      return { what: what as Said['what'], at: Number(at), host, slot: Number(slot), runner: Number(runner) };
    })
    .toSorted((a, b) => a.at - b.at);
}

/** The most slots that were taken at once, and each time that a slot was taken which was taken already. */
function slotsTaken(said: readonly Said[]): { most: number; shares: Said[] } {
  const taken = new Set<number>();
  const shares: Said[] = [];
  let most = 0;
  for (const one of said) {
    if (one.what === 'ended') taken.delete(one.slot);
    else if (taken.has(one.slot)) shares.push(one);
    else taken.add(one.slot);
    most = Math.max(most, taken.size);
  }
  return { most, shares };
}

/** A runner is there from its first task's begin to its last one's end. */
function mostRunnersAtOnce(said: readonly Said[]): number {
  const lives = [...Map.groupBy(said, ({ runner }) => runner).values()].map((all) => ({
    from: all[0]?.at ?? 0,
    to: all.at(-1)?.at ?? 0,
  }));
  return Math.max(
    ...lives.map(({ from }) => lives.filter((one) => one.from <= from && from <= one.to).length),
  );
}
