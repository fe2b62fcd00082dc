import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { Outcome } from '../../experiment/records/outcome.ts';
import type { Progress, RunnerReason } from '../../experiment/records/progress.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { failedToRead, readTasks } from '../../experiment/results/task-table.ts';
import { summarise } from '../../experiment/summary/summarise.ts';
import type { ReportInput } from '../../report/page/input.ts';

/** A made-up run, for looking at and for tests. The same sample gives the same report. */
export interface Sample {
  name: string;
  tasks: number;
  nodes: number;
  slots: number;
  /** Seconds a task takes, about. */
  seconds: number;
  failedShare?: number;
  /** A node that is lost half-way. */
  lostNode?: number;
  outcome?: Outcome;
  neverStarted?: boolean;
  /** The last task takes so many seconds, and all wait for it. */
  slowTask?: number;
  hostile?: boolean;
}

export const SAMPLES: Readonly<Record<string, Sample>> = {
  one: { name: 'one-try', tasks: 1, nodes: 1, slots: 1, seconds: 3 },
  small: { name: 'speed-sweep', tasks: 200, nodes: 4, slots: 2, seconds: 1.5 },
  failed: { name: 'foraging', tasks: 1800, nodes: 4, slots: 10, seconds: 14, failedShare: 0.04, lostNode: 2 },
  large: { name: 'density', tasks: 10_000, nodes: 16, slots: 8, seconds: 9, failedShare: 0.002 },
  huge: {
    name: 'long-sweep',
    tasks: 100_000,
    nodes: 100,
    slots: 16,
    seconds: 20,
    failedShare: 0.001,
    lostNode: 17,
  },
  stuck: {
    name: 'too-big',
    tasks: 500,
    nodes: 32,
    slots: 8,
    seconds: 5,
    outcome: 'timed-out',
    neverStarted: true,
  },
  idle: { name: 'long-tail', tasks: 60, nodes: 4, slots: 8, seconds: 40, slowTask: 600 },
  hostile: { name: 'hostile', tasks: 120, nodes: 3, slots: 4, seconds: 3, failedShare: 0.2, hostile: true },
};

const START = Date.UTC(2026, 10, 24, 9, 30, 0);

export async function sampleReport(sample: Sample): Promise<ReportInput> {
  const random = seeded(sample.tasks);
  const rows = sample.neverStarted === true ? [] : sampleRows(sample, random);
  const tasks = await readTasks(rows);
  const end = rows.reduce(
    (last, { startTime, runtime }) => Math.max(last, (startTime + runtime) * 1000),
    START,
  );
  const nodes = sample.neverStarted === true ? [] : sampleNodes(sample, rows, end);
  const runId = `${sample.name}-0a1b2c3d4e5`;
  const summary = summarise({
    plan: {
      runId,
      cluster: { nodes: sample.nodes, vcpus: sample.slots, memoryMiB: 16_384 },
      slots: sample.slots,
      timeouts: { queueSeconds: 21_600, joinSeconds: 600, runSeconds: 7200 },
      retry: { attempts: 2, tasks: 1 },
      fanout: 'pool',
      maxNodeHours: 40,
      work: { kind: 'commands', file: { kind: 'frozen', key: 'commands.txt', total: sample.tasks } },
    },
    outcome: sample.outcome ?? ((sample.failedShare ?? 0) > 0 ? 'failed' : 'succeeded'),
    progress: sample.neverStarted === true ? undefined : sampleProgress(sample, runId, rows, end),
    nodes,
    tasks,
    stderrTails: new Map(failedToRead(tasks, 200).map((seq) => [seq, stderrOf(sample, seq)])),
    job: {
      createdAt: START - 190_000,
      attempts: sample.neverStarted === true ? [] : [{ startedAt: START - 30_000, stoppedAt: end + 8000 }],
    },
    observed:
      sample.neverStarted === true
        ? {
            waiting: {
              reason:
                'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested',
            },
            stop: { cause: 'timed-out', because: 'queue-limit', why: 'timeouts.queue reached' },
          }
        : undefined,
  });
  const iso = (time: number) => new Date(time).toISOString();
  return {
    summary,
    history:
      sample.neverStarted === true
        ? [
            { state: 'submitted', at: iso(START - 200_000) },
            { state: 'queued', at: iso(START - 190_000) },
            { state: 'timed-out', at: iso(START + 21_410_000) },
          ]
        : [
            { state: 'submitted', at: iso(START - 192_000) },
            { state: 'queued', at: iso(START - 190_000) },
            { state: 'starting', at: iso(START - 70_000) },
            { state: 'joining', at: iso(START - 30_000) },
            { state: 'running', at: iso(START) },
            { state: 'collecting', at: iso(end) },
            { state: summary.outcome, at: iso(end + 9000) },
          ],
    nodes,
    tasks,
    manifest: manifestOf(sample),
    ...(sample.neverStarted === true ? {} : { load: sampleLoad(sample, nodes.length) }),
    parameters: {
      keys: ['seed', sample.hostile === true ? HOSTILE : 'speed'],
      columns: [
        Array.from({ length: sample.tasks }, (_, at) => String(at + 1)),
        Array.from({ length: sample.tasks }, (_, at) =>
          sample.hostile === true ? HOSTILE : String(((at + 1) % 9) / 10),
        ),
      ],
    },
    ...(sample.name === 'foraging' ? { images: SAMPLE_IMAGES } : {}),
    run: {
      name: sample.name,
      manifestKey: `manifests/${sample.name}.yaml`,
      bucket: 'experiments-eu-central-1',
      fanout: 'pool',
      vcpus: sample.slots,
      memoryMiB: 16_384,
      slots: sample.slots,
      nodes: sample.nodes,
    },
    madeAt: end + 10_000,
  };
}

/** Memory rises, disk rises slowly, the CPUs are at work; the lost node falls silent. */
function sampleLoad(sample: Sample, nodes: number): NonNullable<ReportInput['load']> {
  const random = seeded(nodes);
  const points = (node: number, share: (at: number) => number) =>
    Array.from({ length: 180 }, (_, at) => (node === sample.lostNode && at > 90 ? null : share(at)));
  return {
    version: 1,
    seconds: 5,
    from: new Date(START).toISOString(),
    nodes: Array.from({ length: nodes }, (_, node) => ({
      node,
      cpu: points(node, (at) => (at < 8 ? 0.02 : 0.75 + 0.25 * random())),
      memory: points(node, (at) => 0.1 + 0.6 * (1 - Math.exp(-at / 60))),
      disk: points(node, (at) => 0.2 + at / 1000),
    })),
  };
}

const DRAWING =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200"><path d="M30 10V170H310" fill="none" stroke="#444"/><path d="M30 150 100 120 170 90 240 70 310 30" fill="none" stroke="#36c" stroke-width="2"/></svg>';
const SAMPLE_IMAGES: NonNullable<ReportInput['images']> = {
  shown: ['SM-speed', 'LN-density'].map((name) => ({
    path: `results/graphs/c1-exp0/${name}.svg`,
    type: 'image/svg+xml',
    base64: Buffer.from(DRAWING).toString('base64'),
  })),
  left: 3,
};

/** Slots take the next task as they come free, as GNU parallel's do. */
function sampleRows(sample: Sample, random: () => number): JoblogRow[] {
  const free: { node: number; at: number }[] = [];
  for (let node = 0; node < sample.nodes; node += 1) {
    for (let slot = 0; slot < sample.slots; slot += 1) free.push({ node, at: START / 1000 + 0.3 * random() });
  }
  const rows: JoblogRow[] = [];
  const expected = (sample.tasks * sample.seconds) / (sample.nodes * sample.slots);
  for (let seq = 1; seq <= sample.tasks; seq += 1) {
    const slot = free.shift();
    if (slot === undefined) break;
    const failed = random() < (sample.failedShare ?? 0);
    const runtime =
      seq === sample.tasks && sample.slowTask !== undefined
        ? sample.slowTask
        : sample.seconds * (failed ? 0.1 + 0.2 * random() : 0.6 + 0.5 * random() + 0.6 * random() ** 6);
    rows.push({
      seq,
      host: addressOf(slot.node),
      startTime: round(slot.at),
      runtime: round(runtime),
      send: 0,
      receive: 120,
      exitval: failed ? exitOf(seq) : 0,
      signal: 0,
      command: commandOf(sample, seq),
    });
    const lost = slot.node === sample.lostNode && slot.at - START / 1000 > expected / 2;
    if (!lost) insert(free, { node: slot.node, at: slot.at + runtime + 0.01 });
  }
  return rows;
}

function insert(free: { node: number; at: number }[], slot: { node: number; at: number }): void {
  let low = 0;
  let high = free.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((free[middle]?.at ?? 0) <= slot.at) low = middle + 1;
    else high = middle;
  }
  free.splice(low, 0, slot);
}

function sampleNodes(sample: Sample, rows: readonly JoblogRow[], end: number): NodeRecord[] {
  const done = new Map<string, { tasks: number; busy: number; last: number }>();
  for (const { host, runtime, startTime } of rows) {
    const { tasks = 0, busy = 0, last = 0 } = done.get(host) ?? {};
    done.set(host, { tasks: tasks + 1, busy: busy + runtime, last: Math.max(last, startTime + runtime) });
  }
  return Array.from({ length: sample.nodes }, (_, index) => {
    const own = done.get(addressOf(index));
    const lost = index === sample.lostNode;
    return {
      index,
      address: addressOf(index),
      slots: sample.slots,
      state: lost ? ('lost' as const) : ('released' as const),
      tasks: own?.tasks ?? 0,
      busySeconds: round(own?.busy ?? 0),
      cpus: sample.slots,
      joinedAt: new Date(START - 12_000 + 37 * index).toISOString(),
      ...(lost
        ? {
            lostAt: new Date((own?.last ?? 0) * 1000 + 4000).toISOString(),
            lostBecause: sample.hostile === true ? HOSTILE : 'it stopped answering for 15 s',
          }
        : { releasedAt: new Date(end + 5000).toISOString() }),
      peakMemoryMiB: 900 + ((index * 131) % 400),
      cpuSeconds: round(0.8 * (own?.busy ?? 0)),
    };
  });
}

function sampleProgress(sample: Sample, runId: string, rows: readonly JoblogRow[], end: number): Progress {
  const failed = rows.filter(({ exitval }) => exitval !== 0).length;
  const reason: RunnerReason =
    failed === 0 ? { kind: 'succeeded' } : { kind: 'tasks-failed', failed, lost: 0 };
  return {
    runId,
    jobId: '5f3d6c1e-0000-4000-8000-000000000000',
    attempt: 1,
    phase: 'done',
    at: new Date(end + 7000).toISOString(),
    startedAt: new Date(START - 29_000).toISOString(),
    joinedAt: new Date(START - 9000).toISOString(),
    tasksStartedAt: new Date(START).toISOString(),
    tasksEndedAt: new Date(end).toISOString(),
    nodes: { expected: sample.nodes, joined: sample.nodes, lost: sample.lostNode === undefined ? 0 : 1 },
    tasks: {
      total: sample.tasks,
      succeeded: rows.length - failed,
      failed,
      retried: failed,
      lost: 0,
      running: 0,
    },
    slots: sample.nodes * sample.slots,
    nodeHours: 0,
    rate: 0,
    exitCode: failed === 0 ? 0 : 1,
    reason,
  };
}

/** Everything that has ever got out of a page or a terminal, in one line. */
export const HOSTILE = [
  '</script><script>globalThis.pwned = 1</script>',
  '<img src=x onerror="globalThis.pwned = 1">',
  '"><svg onload=globalThis.pwned=1>',
  "' onmouseover='globalThis.pwned=1",
  '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b]8;;http://example.com\u0007link\u001b]8;;\u0007',
  'abc\u202egnp.exe\u2066\u200b',
  '<!-- ]]> {{x}} $' + '{y} `z` &lt;b&gt; \ud800 \u0000 \u009b31m',
].join(' ');

function commandOf(sample: Sample, seq: number): string {
  if (sample.hostile === true) return seq % 7 === 0 ? 'x'.repeat(1_000_000) : `./sim ${HOSTILE} ${seq}`;
  return `./sim --seed ${seq} --speed ${(seq % 9) / 10} --out results/${seq}.json`;
}

function stderrOf(sample: Sample, seq: number): string {
  if (sample.hostile === true) return `${HOSTILE}\n${'long '.repeat(200_000)}\n${HOSTILE} ${seq % 3}`;
  const tails = [
    `Traceback (most recent call last):\n  File "sim.py", line 41, in <module>\n    run(seed)\n  File "sim.py", line 28, in run\n    raise ValueError(f"seed {seed} gives no arena")\nValueError: seed ${seq} gives no arena`,
    `sim: arena ${seq}: cannot place 40 robots in 2.5 m²`,
    'bash: line 2: ./sim: No such file or directory',
  ];
  return tails[seq % 31 === 0 ? 2 : seq % 7 === 0 ? 1 : 0] ?? '';
}

function exitOf(seq: number): number {
  return seq % 31 === 0 ? 127 : seq % 7 === 0 ? 2 : seq % 29 === 0 ? 137 : 1;
}

function manifestOf(sample: Sample): string {
  return `apiVersion: sierra-batch/v1
name: ${sample.name}
cluster: {nodes: ${sample.nodes}, vcpus: ${sample.slots}, memory: 16GiB}
run:
  commands:
    template: "${sample.hostile === true ? HOSTILE : './sim --seed {seed} --speed {speed} --out results/{seed}.json'}"
    matrix: {seed: {from: 1, to: ${sample.tasks}}, speed: [0.1, 0.5]}
  jobsPerNode: ${sample.slots}
inputs: [{from: ./project, to: project/}]   # the simulation itself
outputs: [results/]
timeouts: {queue: 6h, run: 2h}
retry: {attempts: 2, tasks: 1}
budget: {maxNodeHours: 40}
`;
}

function addressOf(node: number): string {
  return `10.0.${1 + Math.floor(node / 200)}.${10 + (node % 200)}`;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Numerical Recipes' linear congruence: the same numbers on every machine. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
