import fc from 'fast-check';
import type { Progress } from '../../../experiment/records/progress.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { aNode, aPlan, aProgress, aRow, iso, START } from '../../fixtures/records.ts';

/** One run's raw records: attempts, nodes that were lost, late or never came, retries, cuts, a run that it resumes. */
export const anyRun = fc
  .record({
    total: fc.integer({ min: 1, max: 25 }),
    nodes: fc.array(fc.constantFrom('released', 'released', 'lost', 'late', 'never-came'), {
      minLength: 1,
      maxLength: 4,
    }),
    tries: fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 25 }),
        node: fc.nat(4),
        at: fc.integer({ min: 0, max: 400_000 }),
        ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90_000 })),
        exitval: fc.constantFrom(0, 0, 0, 1, 124, 137),
      }),
      { maxLength: 60 },
    ),
    open: fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 25 }),
        node: fc.nat(3),
        at: fc.integer({ min: 300_000, max: 400_000 }),
        isLost: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    attempts: fc.integer({ min: 1, max: 3 }),
    given: fc.nat(8),
    isResumed: fc.boolean(),
    retries: fc.nat(1),
    scheme: fc.constantFrom('pool' as const, 'stock' as const),
    hasEnd: fc.boolean(),
    isDone: fc.boolean(),
    knowsStarts: fc.boolean(),
  })
  .map((drawn) => {
    const { total, tries, attempts, nodes: states } = drawn;
    const after = (ms: number) => iso(ms / 1000);
    const starts = [0, 150_000, 290_000].slice(0, attempts);
    const given = drawn.isResumed ? Math.min(drawn.given, total) : 0;
    const host = (node: number) => `10.0.1.${10 + node}`;
    const before = Array.from({ length: given }, (_, at) =>
      aRow(at + 1, { startTime: START / 1000 - 5000 + at, runtime: 3 }),
    );
    const mine = tries
      .filter(({ seq }) => seq > given && seq <= total)
      .toSorted((a, b) => a.at + a.ms - b.at - b.ms)
      .map(
        ({ seq, node, at, ms, exitval }): JoblogRow =>
          aRow(seq, { host: host(node), startTime: START / 1000 + at / 1000, runtime: ms / 1000, exitval }),
      );
    const ended = new Set([...before, ...mine].map(({ seq }) => seq));
    const open = drawn.open.filter(
      ({ seq, node }, at, all) =>
        seq <= total &&
        !ended.has(seq) &&
        node < states.length &&
        all.findIndex((one) => one.seq === seq) === at,
    );
    const lost = open.filter(({ isLost }) => isLost).length;
    const nodes = states.map((state, index) => {
      const { joinedAt: _, ...node } = aNode(index, { state });
      if (state === 'never-came') return node;
      const lost = state === 'lost' ? { lostAt: iso(350) } : {};
      return { ...node, ...lost, joinedAt: iso(state === 'late' ? 320 : -5) };
    });
    const base = aProgress({
      attempt: attempts,
      startedAt: after((starts.at(-1) ?? 0) - 1000),
      joinedAt: after((starts.at(-1) ?? 0) - 200),
      tasksStartedAt: after(starts.at(-1) ?? 0),
    });
    const { tasksEndedAt: _, ...endless } = base;
    const progress: Progress = {
      ...endless,
      ...(drawn.hasEnd ? { tasksEndedAt: after(410_000) } : {}),
      phase: drawn.isDone ? 'done' : 'running',
      tasks: {
        total,
        succeeded: 0,
        failed: 0,
        retried: 0,
        running: 2,
        ...(drawn.knowsStarts ? { lost, cutOff: open.length - lost, notStarted: 0 } : {}),
      },
      open: open.map(({ seq, node, at, isLost }) => ({
        seq,
        node,
        startedAt: after(at),
        endedAt: after(at + 5000),
        end: isLost ? 'lost' : 'cut-off',
      })),
      earlier: starts.slice(0, -1).map((at, index) => ({
        attempt: index + 1,
        startedAt: after(at - 1000),
        ...(index === 0 ? { tasksEndedAt: after(at + 120_000) } : {}),
        lost: Array.from({ length: index + 1 }, (_, node) => ({ node, at: after(at), because: 'gone' })),
        ...(drawn.knowsStarts ? { underWay: index } : {}),
      })),
    };
    const plan = aPlan({
      fanout: drawn.scheme,
      retry: { attempts: 1, tasks: drawn.retries },
      cluster: { nodes: nodes.length, vcpus: 2, memoryMiB: 1024 },
      work: { kind: 'commands', file: { kind: 'frozen', key: 'k', total } },
      ...(drawn.isResumed ? { resume: 'sweep-00000000000' } : {}),
    });
    const job = {
      createdAt: START - 60_000,
      stoppedAt: START + 450_000,
      attempts: starts.map((at, index) => ({
        startedAt: START + at - 5000,
        stoppedAt: START + (starts[index + 1] ?? 450_000) - 9000,
      })),
    };
    return {
      plan,
      job,
      progress,
      nodes,
      joblog: renderJoblog([...before, ...mine]),
      acceptedAt: START - 60_000,
    };
  });
