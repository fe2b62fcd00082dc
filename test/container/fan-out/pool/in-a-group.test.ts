import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

const ENDS_LATE = 'sleep 30';
const ODD: ReadonlyMap<number, { command: string; exitval: number }> = new Map([
  [90, { command: 'exit 3', exitval: 3 }],
  [110, { command: ENDS_LATE, exitval: 124 }],
  [130, { command: `trap '' TERM; ${ENDS_LATE}`, exitval: 124 }],
  [150, { command: 'kill -9 $$', exitval: 137 }],
]);

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
});
afterAll(() => nodes.close());

describe('within a group of short tasks', () => {
  it('each has its own time limit, its own retries and its own row', async () => {
    // Tasks of a group have one parent.
    const commands = Array.from({ length: 240 }, (_, index) => {
      const seq = index + 1;
      return `: ${seq}; echo $PPID >> parents-of-${seq}; ${ODD.get(seq)?.command ?? 'true'}`;
    });
    const run = runFanout(startPool(realClock), nodes, commands, { taskSeconds: 1, taskRetries: 1 });
    expect(await run.result).toEqual({ succeeded: 236, failed: 4, retried: 4, unfinished: 0 });
    const parents = commands.map((_, index) =>
      readFileSync(join(run.request.workdir, `parents-of-${index + 1}`), 'utf8')
        .trim()
        .split('\n'),
    );
    const others = new Set(parents.filter((_, index) => !ODD.has(index + 1)).flat());
    for (const [seq, { exitval }] of ODD) {
      const [row] = run.rows.filter((one) => one.seq === seq);
      expect(row).toMatchObject({ seq, exitval });
      expect(run.retries.filter((one) => one.seq === seq).map((one) => one.exitval)).toEqual([exitval]);
      expect(parents[seq - 1]).toHaveLength(2);
    }
    // A group may come down to one task; that none had company would mean that nothing was grouped.
    const accompanied = [...ODD.keys()].filter((seq) => others.has(parents[seq - 1]?.[0] ?? ''));
    expect(accompanied).not.toEqual([]);
    const started = parents.filter((tries, index) => !ODD.has(index + 1) && tries.length !== 1);
    expect(started).toEqual([]);
  });
});

/** Loaded by the `perl` that is first on PATH: who asks the kernel for the time of day once the file is there is told another. */
const SET_CLOCK = `package SetClock;
BEGIN {
    *CORE::GLOBAL::syscall = sub {
        return CORE::syscall($_[0], $_[1], $_[2], $_[3], $_[4]) if @_ > 4;
        return CORE::syscall($_[0], $_[1], $_[2], $_[3]) if @_ > 3;
        my $done = CORE::syscall($_[0], $_[1], $_[2]);
        if ($_[1] == 0 && -e $ENV{CLOCK_SET}) {
            my ($seconds, $rest) = unpack 'q2', $_[2];
            $_[2] = pack 'q2', $seconds + $ENV{CLOCK_SET_BY}, $rest;
        }
        return $done;
    };
}
1;
`;

describe('a clock that is set while a task runs', () => {
  it.each(['-3600', '3600'])('by %s s changes neither its row nor its time limit', async (seconds) => {
    const perl = join(nodes.folder, `perl${seconds}`);
    mkdirSync(perl);
    writeFileSync(join(perl, 'SetClock.pm'), SET_CLOCK);
    const start = `#!/bin/sh\nexec /usr/bin/perl -I${perl} -MSetClock "$@"\n`;
    writeFileSync(join(perl, 'perl'), start, { mode: 0o755 });
    const run = runFanout(startPool(realClock), nodes, ['echo >> ran; touch "$CLOCK_SET"; sleep 0.5'], {
      taskSeconds: 20,
      environment: {
        PATH: `${perl}:${process.env.PATH}`,
        HOME: nodes.folder,
        CLOCK_SET: join(perl, 'set'),
        CLOCK_SET_BY: seconds,
      },
    });
    expect(await run.result).toEqual({ succeeded: 1, failed: 0, retried: 0, unfinished: 0 });
    expect(readFileSync(join(run.request.workdir, 'ran'), 'utf8')).toBe('\n');
    // Not an hour, to either side.
    expect(Math.abs(run.rows[0]?.runtime ?? Number.NaN)).toBeLessThan(1800);
  });
});
