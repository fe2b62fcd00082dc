import { isOutcome } from '../records/outcome.ts';
import { parseCancellation } from '../run/cancellation.ts';
import { counted, grouped, spoken } from '../text/numbers.ts';
import { sentence } from '../text/sentence.ts';
import type { Observed, Sentences, Situation } from './observation.ts';

/** A run that goes on and has its machines, or has not asked for them yet. */
export const UNDERWAY: readonly Situation[] = [
  {
    name: 'stopping',
    tell({ state, stop }) {
      if (stop === undefined || isOutcome(state)) return undefined;
      const said = stop.cause === 'cancelled' ? parseCancellation(stop.why) : { reason: stop.why };
      const by = stop.by ?? said.by;
      const words = [`the run was asked to end${by === undefined ? '' : ` by ${by}`}`, said.reason];
      return {
        headline: 'Stopping.',
        why: sentence(words.filter((each) => each !== '').join(': ')),
        next: 'Wait until its machines are free; what is done is kept.',
      };
    },
  },
  {
    name: 'submitted',
    tell: ({ state }) =>
      state === 'submitted'
        ? {
            headline: 'Accepted.',
            why: 'The manifest is in order; its job is about to be put in the queue.',
            next: 'Nothing to do.',
          }
        : undefined,
  },
  {
    name: 'starting',
    tell: ({ state, nodes }) =>
      state === 'starting'
        ? {
            headline: 'Starting.',
            why: `${nodes === undefined ? 'The machines are' : `${counted(nodes.expected, 'machine')} ${nodes.expected === 1 ? 'is' : 'are'}`} there and the image is being started on them.`,
            next: 'Nothing to do; a first start pulls the image, which takes some minutes.',
          }
        : undefined,
  },
  { name: 'joining', tell: joining },
  { name: 'nothing-left', tell: nothingLeft },
  { name: 'running-degraded', tell: (observed) => (lostNodes(observed) > 0 ? running(observed) : undefined) },
  { name: 'running', tell: running },
  {
    name: 'collecting',
    tell: ({ state, stage }) =>
      state === 'collecting'
        ? {
            headline: 'Collecting.',
            why: `The tasks are done; ${stage !== undefined && stage > 2 ? `SIERRA works on stage ${stage}` : 'results, summary and report are being stored'}.`,
            next: 'Nothing to do.',
          }
        : undefined,
  },
];

function joining({ state, nodes, limits }: Observed): Sentences | undefined {
  if (state !== 'joining') return undefined;
  return {
    headline:
      nodes === undefined
        ? 'Nodes are joining.'
        : `${grouped(nodes.joined)} of ${counted(nodes.expected, 'node')} joined.`,
    why:
      nodes?.expected === 1
        ? 'Node 0 is being checked.'
        : 'Node 0 waits until the other nodes have reported and been checked.',
    next:
      limits?.joinSeconds === undefined
        ? 'Nothing to do.'
        : `Nothing to do; after ${spoken(limits.joinSeconds)} (\`timeouts.join\`) it continues with \`minNodes\` or ends.`,
  };
}

function nothingLeft({ state, tasks, stage }: Observed): Sentences | undefined {
  if (state !== 'running' || tasks === undefined || tasks.total === 0) return undefined;
  const left = tasks.total - tasks.succeeded - tasks.failed;
  if (left > 0) return undefined;
  return {
    headline: `All ${counted(tasks.total, 'task')} done.`,
    why: tasks.failed === 0 ? 'Every task succeeded.' : `${counted(tasks.failed, 'task')} failed.`,
    next:
      stage === undefined || stage < 3
        ? 'Nothing to do; the run is about to collect its results.'
        : `Nothing to do; SIERRA works on stage ${stage}.`,
  };
}

function running(observed: Observed): Sentences | undefined {
  const { state, tasks, stage } = observed;
  if (state !== 'running') return undefined;
  if (tasks === undefined || tasks.total === 0) {
    const what = stage === undefined ? 'The nodes are working' : `SIERRA works on stage ${stage}`;
    return { headline: 'Running.', why: `${what}.`, next: 'Nothing to do.' };
  }
  const failed = tasks.failed === 0 ? '' : `, ${grouped(tasks.failed)} failed`;
  return {
    headline: `Running: ${grouped(tasks.succeeded + tasks.failed)} of ${counted(tasks.total, 'task')} done${failed}.`,
    why: sentence(pace(observed)),
    next:
      tasks.failed === 0
        ? 'Nothing to do.'
        : 'Nothing to do yet; the other tasks go on, and the report groups the failures.',
  };
}

function pace(observed: Observed): string {
  const { tasks, nodes } = observed;
  const clauses: string[] = [];
  if (tasks?.running !== undefined) clauses.push(`${counted(tasks.running, 'task')} running`);
  if (nodes !== undefined) clauses.push(`${nodes.joined} of ${counted(nodes.expected, 'node')} taking part`);
  if (lostNodes(observed) > 0)
    clauses.push(
      `${counted(lostNodes(observed), 'node')} lost; the others take over ${lostNodes(observed) === 1 ? 'its' : 'their'} tasks`,
    );
  return clauses.length === 0 ? 'the nodes are working' : clauses.join('; ');
}

function lostNodes({ state, nodes }: Observed): number {
  return state === 'running' ? (nodes?.lost ?? 0) : 0;
}
