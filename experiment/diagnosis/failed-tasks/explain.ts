import { endingWords, keptEnding } from '../../records/ending.ts';
import { sierraRunOf } from '../../sierra/run-command.ts';
import { counted, grouped } from '../../text/numbers.ts';
import { quoted } from '../../text/sentence.ts';
import type { FailedTasks, FailureKind } from './kind.ts';
import { ended, FEWER_TASKS, onOneNodeAlone, says } from './kind.ts';
import { PROGRAMS } from './programs.ts';
import { NOT_KEPT } from './signature.ts';
import { tellingLine } from './telling-line.ts';
import { WANTS } from './wants.ts';

/**
 * The first match wins: words come before exit codes. The texts are those of bash, glibc, CPython, R, Julia, the JVM,
 * Node.js, Open MPI and the like; words that fit several causes are not here.
 */
const KINDS: readonly FailureKind[] = [
  ...WANTS,
  ...PROGRAMS,
  {
    name: 'task-out-of-memory',
    matches: ({ example }) => example.end === 'memory',
    why: 'they were killed since their node’s memory was used up',
    next: FEWER_TASKS,
  },
  {
    name: 'task-killed',
    matches: ended(137),
    why: 'something killed them (signal 9), most often because the node’s memory was used up',
    next: FEWER_TASKS,
  },
  {
    name: 'task-time-limit',
    matches: ({ example }) => example.end === 'time-limit',
    why: 'they reached `timeouts.task`',
    next: 'Raise `timeouts.task` if they need longer, or look at what one of them was doing.',
  },
  {
    name: 'task-output-limit',
    // A program may also end so by a limit of its own (`ulimit -f`).
    matches: (group) => group.example.end === 'output-limit' && says(/^output over \d+ [MG]iB$/)(group),
    why: 'they wrote more to stdout and stderr than `limits.taskOutput` allows',
    next: 'Print less, or write to a file; raise `limits.taskOutput` if all of it is wanted.',
  },
  {
    name: 'wrong-instruction',
    matches: ended(132),
    why: 'the program uses an instruction that the nodes’ processor does not have',
    next: 'Build it without `-march=native`, or on a machine like the nodes.',
  },
  {
    name: 'crash',
    // Who throws an exception says what was wrong.
    matches: (group) => ended(134, 135, 136, 139)(group) && !says(/exception|what\(\): /i)(group),
    why: 'the program crashed (a fault in memory, an abort or a wrong calculation)',
    next: 'Run the example on your own machine under a debugger; a crash on one node only may be the machine’s fault, then submit again.',
  },
];

/** What the largest group of failures says, for `why` and `next`; undefined when no group is known. */
export function explainFailures(
  observed: FailedTasks,
): { name: string; why: string; next?: string } | undefined {
  const groups = observed.failures ?? [];
  const [largest] = groups;
  if (largest === undefined) return undefined;
  const kind = KINDS.find((candidate) => candidate.matches(largest, observed));
  const all = groups.reduce((sum, { count }) => sum + count, 0);
  const share =
    groups.length === 1 ? 'They look alike' : `${grouped(largest.count)} of the ${grouped(all)} that failed`;
  const said = tellingLine(largest.example.stderrTail);
  const onOne =
    kind?.name !== 'command-not-found-one-node' && onOneNodeAlone(largest, observed)
      ? ' All of these ran on one node.'
      : '';
  const words = said.startsWith(NOT_KEPT)
    ? `left no output of its own ${said}`
    : said === ''
      ? 'said nothing on stderr'
      : `ended with ${quoted(said)}`;
  const run = sierraRunOf(largest.example.command);
  const where =
    run === undefined
      ? `for instance task ${largest.example.seq}`
      : `for instance run ${run.run} of experiment ${run.experiment} (task ${largest.example.seq})`;
  const files = run === undefined ? '' : ` It read \`${run.input}\` and wrote to \`${run.output}\`.`;
  if (kind === undefined) {
    return {
      name: 'other',
      why: `${share}: ${endingWords(keptEnding(largest.example))}; ${where}, which ${words}.${onOne}${files}${otherGroups(groups.slice(1))}`,
    };
  }
  return {
    name: kind.name,
    why: `${share}: ${kind.why}; ${where}, which ${words}.${onOne}${files}${otherGroups(groups.slice(1))}`,
    next: kind.next,
  };
}

/** So many groups beside the largest are named; the tasks of the others are counted together. */
const NAMED_GROUPS = 2;

/** ` The others: 5 × “exit 4: bad #”, 3 in 2 more groups.` */
function otherGroups(groups: NonNullable<FailedTasks['failures']>): string {
  if (groups.length === 0) return '';
  const named = groups.slice(0, NAMED_GROUPS);
  const rest = groups.slice(NAMED_GROUPS);
  const parts = named.map(({ count, signature }) => `${grouped(count)} × ${quoted(signature.slice(0, 100))}`);
  const count = rest.reduce((sum, group) => sum + group.count, 0);
  if (rest.length > 0) parts.push(`${grouped(count)} in ${counted(rest.length, 'more group')}`);
  return ` The others: ${parts.join(', ')}.`;
}
