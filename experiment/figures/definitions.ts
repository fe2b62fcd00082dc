/** What a figure is: docs/figures.md is made from these. The file says where it is computed, and nobody else computes it. */
interface Definition {
  figure: string;
  definition: string;
  unit: string;
  scope: 'this attempt' | 'this run' | 'with the runs it resumes';
  /** What makes it unknown: it is left out then, or said to be unknown. */
  unknown: string;
  shown: string;
  file: string;
}

const END = 'sentence, summary, report, events, mails';

export const DEFINITIONS: readonly Definition[] = [
  {
    figure: 'succeeded, failed',
    definition: 'tasks whose last row in the joblog is a success, or is none',
    unit: 'tasks',
    scope: 'with the runs it resumes',
    unknown: 'never',
    shown: `status, watch, runs, ${END}`,
    file: 'figures/task-counts.ts',
  },
  {
    figure: 'done before',
    definition: 'of the succeeded, those whose row began before this run was accepted',
    unit: 'tasks',
    scope: 'with the runs it resumes',
    unknown: 'never',
    shown: END,
    file: 'figures/task-counts.ts',
  },
  {
    figure: 'retried',
    definition: 'tasks with more than one row that began in this run',
    unit: 'tasks',
    scope: 'this run',
    unknown: '`stock`, whose joblog has the last try only',
    shown: END,
    file: 'figures/task-counts.ts',
  },
  {
    figure: 'lost, cut off, not started',
    definition:
      'tasks without a row: started on a node that was lost; under way when the run was ended; neither. With the succeeded and failed they are all',
    unit: 'tasks',
    scope: 'with the runs it resumes',
    unknown: 'where starts are not known (`stock`): "not finished" then',
    shown: 'summary, report, events, mails',
    file: 'figures/task-counts.ts',
  },
  {
    figure: 'tasks took',
    definition:
      'from the first task’s start to the last one’s end, or until what was under way was cut off; attempts added up',
    unit: 'seconds',
    scope: 'this run',
    unknown: 'no task was started',
    shown: END,
    file: 'figures/attempts.ts',
  },
  {
    figure: 'queued and starting, joined in',
    definition:
      'until the job’s first attempt began, by AWS Batch; from node 0’s start until the last node that was waited for had joined, or until it went on without those that never came',
    unit: 'seconds',
    scope: 'this attempt',
    unknown: 'no attempt began; node 0 never went on',
    shown: 'summary, report, events, mails',
    file: 'figures/waits.ts',
  },
  {
    figure: 'states',
    definition:
      'from when a state was entered until the next one was, of each attempt; collecting from when outputs began to be sent',
    unit: 'seconds',
    scope: 'this run',
    unknown: 'no status was written',
    shown: 'report',
    file: 'status/reduce.ts',
  },
  {
    figure: 'nodes lost',
    definition: 'nodes that were given up, attempts added up',
    unit: 'nodes',
    scope: 'this run',
    unknown: 'never; for an attempt whose last record was lost, the one before counts',
    shown: 'sentence, summary, report',
    file: 'figures/attempts.ts',
  },
  {
    figure: 'ended, under way, of each attempt',
    definition:
      'tasks with a row that began in it, and tasks that it had started and that have none. Where no task failed and ran again, the ended add up to all that no run before had done',
    unit: 'tasks',
    scope: 'this run',
    unknown: 'under way: `stock`, whose starts are not known',
    shown: 'sentence, summary, report, where there was more than one attempt',
    file: 'figures/attempts.ts',
  },
  {
    figure: 'busy',
    definition:
      'slot-seconds in which tries ran (all tries, those without a row as well) ÷ slots × time; a node has slots from when it joined until it was lost. The timeline draws the same over time, moment by moment',
    unit: 'share, 0 to 1',
    scope: 'this attempt',
    unknown: 'no node or no time; `stock` with `retry.tasks`, whose joblog has the last try only',
    shown: 'summary, report (all nodes, each node), advice',
    file: 'figures/busy-share.ts',
  },
  {
    figure: 'half took at most, 90 % took at most',
    definition:
      'of the last tries, sorted by how long they took, the one at this place (nearest rank): at 10 tasks the fifth and the ninth. The histogram ends at the 99 % place, of fewer than 100 tasks at the second longest, where the longest is 1.3 times as long',
    unit: 'seconds',
    scope: 'this run',
    unknown: 'fewer than five tasks ended',
    shown: 'report, diff',
    file: 'util/nearest-rank.ts',
  },
  {
    figure: 'slot',
    definition:
      'of the slots of a node that are free when a try starts, the one that was busy last, else the next; all tries of the run count. Found again from times, since a joblog has none',
    unit: 'number from 1',
    scope: 'this run',
    unknown: 'of what the runs before had done',
    shown: 'report, tables of tasks',
    file: 'results/lanes.ts',
  },
  {
    figure: 'node-hours',
    definition:
      'nodes × time of each attempt from its first node’s start to its end, added up; by AWS Batch’s times, which the budget is judged by',
    unit: 'hours',
    scope: 'this run',
    unknown: 'where Batch gives no times, node 0’s own count is used',
    shown: `plan (the most), budget, ${END}`,
    file: 'figures/node-hours.ts',
  },
  {
    figure: 'node-hours so far, by node 0',
    definition:
      'those of earlier attempts as node 0 last counted them + all nodes × time since the first of their runners started. It ends a run at its budget; what the run used then is by AWS Batch’s times',
    unit: 'hours',
    scope: 'this run',
    unknown: 'no node has joined: 0',
    shown: 'status, watch, runs while the run goes on; time left (budget)',
    file: 'figures/node-hours.ts',
  },
  {
    figure: 'took part',
    definition: 'from when a node joined until it was lost or released',
    unit: 'seconds, of each node',
    scope: 'this attempt',
    unknown: 'it never came, or its end was not recorded',
    shown: 'advice, vCPUs at work',
    file: 'figures/vcpus-at-work.ts',
  },
  {
    figure: 'vCPUs at work',
    definition:
      'CPU seconds of a node’s cgroup ÷ the seconds it took part. Advice takes the mean of the nodes that were there for 30 s',
    unit: 'vCPUs, of each node',
    scope: 'this attempt',
    unknown: 'no cgroup was read, or how long it took part',
    shown: 'report (each node), advice',
    file: 'figures/vcpus-at-work.ts',
  },
  {
    figure: 'dollars',
    definition: 'node-hours × the price of a node, as it was known when the manifest was accepted',
    unit: 'USD',
    scope: 'this run',
    unknown: 'no price of the type and region is known; on one machine nothing costs anything',
    shown: 'plan, submit, watch, budget, sentence, summary, report',
    file: 'deployment/price.ts',
  },
  {
    figure: 'time left',
    definition:
      '((tasks not begun) × mean + Σ max(0, mean − age of a task under way)) ÷ slots + ⅔ of the longest; the mean is that of ended tries and of those under way for longer, and twice its standard error. Of tasks under a second no less than tasks left ÷ tasks that ended a second. A limit that comes sooner, or sooner than the oldest has run where there is no number, is named instead',
    unit: 'seconds',
    scope: 'this attempt',
    unknown:
      'no try has ended, no more tasks are left than slots, or one long task decides (the longest over 3 × the mean, the work over in less than 1.5 of it): how long the oldest has run instead',
    shown: 'watch, status',
    file: 'figures/time-left.ts',
  },
  {
    figure: 'tasks at once',
    definition: 'the most tries that ran at once on a node; peak memory ÷ this is what a task takes',
    unit: 'tasks',
    scope: 'this attempt',
    unknown: 'no row',
    shown: 'advice',
    file: 'figures/at-once.ts',
  },
  {
    figure: 'tasks that fit',
    definition:
      'one fewer than ran on a node when the kernel ended one for want of memory, the fewest of the first 20 times',
    unit: 'tasks',
    scope: 'this run',
    unknown: 'no try ran out of memory',
    shown: 'sentence, summary, report, advice',
    file: 'figures/at-once.ts',
  },
];
