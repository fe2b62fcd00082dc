import type { FailureGroup } from '../records/summary.ts';
import { sierraRunOf } from '../sierra/run-command.ts';
import { counted } from '../text/numbers.ts';
import { asBashSays, NOT_KEPT } from './failure-signature.ts';
import { quoted } from './next-steps.ts';
import type { Observed } from './observation.ts';

/** What a group of failed tasks has in common, as a clause, and what to do about it. */
interface FailureKind {
  name: string;
  matches(group: FailureGroup, observed: Observed): boolean;
  why: string;
  next: string;
}

const stderr = (pattern: RegExp) => (group: FailureGroup) => pattern.test(group.example.stderrTail);

/** Exit code as a shell would show it: 128 + signal, whichever way GNU parallel logged it. */
function shellCode({ exitval, signal }: { exitval: number; signal: number }): number {
  return signal > 0 ? 128 + signal : exitval;
}

/** First match wins. The texts are those of bash, CPython, glibc, and the exit codes those of POSIX shells. */
const KINDS: readonly FailureKind[] = [
  {
    name: 'disk-full',
    matches: stderr(/No space left on device|ENOSPC|Disk quota exceeded/),
    why: 'the disk that they wrote to was full',
    next: 'Write results to shared storage (relative paths lie there) and not to `/tmp`, or ask the operators of the deployment for larger disks.',
  },
  {
    name: 'storage-stale',
    matches: stderr(/Stale (NFS )?file handle|ESTALE|Remote I\/O error|EREMOTEIO/),
    why: 'shared storage lost sight of a file that was replaced or removed under them',
    next: 'Let no other run or task remove or replace files that these read; then try again.',
  },
  {
    name: 'no-network',
    matches: stderr(
      /Temporary failure in name resolution|Name or service not known|Could not resolve host|Network is unreachable/,
    ),
    why: 'they wanted to reach the Internet, which nodes cannot unless the deployment allows it',
    next: 'Bring what they download in by `inputs` or in the image, or ask the operators of the deployment to deploy with `Internet=true`.',
  },
  {
    name: 'gpu',
    matches: stderr(/CUDA (error|out of memory)|CUDA driver|NVIDIA driver|no CUDA-capable device/i),
    why: 'a graphics processor was not there or its memory did not suffice',
    next: 'Ask for `cluster.gpus` on an instance type that has some, or lower `run.jobsPerNode` so that fewer tasks share one.',
  },
  {
    name: 'no-display',
    matches: stderr(/cannot (open|connect to) (X )?display|could not connect to display|no display name/i),
    why: 'they wanted a screen, and nodes have none',
    next: 'Run the program without its window (`QT_QPA_PLATFORM=offscreen`, `MPLBACKEND=Agg` under `environment`), or with `xvfb-run`.',
  },
  {
    name: 'shared-memory',
    matches: stderr(/\/dev\/shm|shm_open|Bus error/),
    why: 'shared memory (`/dev/shm`) was used up or out of reach',
    next: 'Raise `cluster.sharedMemory`.',
  },
  {
    name: 'too-many-files',
    matches: stderr(/Too many open files|EMFILE/),
    why: 'they had more files open than one process may',
    next: 'Close files earlier, or raise the limit in the command itself (`ulimit -n 65536 && …`).',
  },
  {
    name: 'too-many-processes',
    matches: stderr(/Resource temporarily unavailable|can't start new thread|pthread_create failed/),
    why: 'there were more processes or threads than a node may have',
    next: 'Lower `run.jobsPerNode`, or the threads of each task (`OMP_NUM_THREADS` under `environment`).',
  },
  {
    name: 'syntax',
    matches: stderr(
      /syntax error near unexpected token|unexpected EOF while looking for matching|unexpected end of file/,
    ),
    why: 'bash could not read the command',
    next: 'Correct the quotes and brackets of the command in the manifest: each line is run by bash as it stands.',
  },
  {
    name: 'python-module-missing',
    matches: stderr(/ModuleNotFoundError|ImportError|No module named/),
    why: 'a Python module could not be imported',
    next: 'Bring the module into the image or a virtual environment on shared storage, and set `PYTHONPATH` or `PATH` under `environment`.',
  },
  {
    name: 'library-missing',
    matches: stderr(/error while loading shared libraries|GLIBC(XX)?_[\d.]+' not found/),
    why: 'a shared library was not found',
    next: 'Bring the library into the image, or set `LD_LIBRARY_PATH` under `environment`.',
  },
  {
    name: 'exec-format',
    matches: stderr(/Exec format error|cannot execute binary file/),
    why: 'the program was built for another kind of processor',
    next: 'Build it for the architecture of the nodes (x86-64 unless the deployment says otherwise).',
  },
  {
    name: 'command-not-found-one-node',
    matches: (group, observed) => shellCode(group.example) === 127 && onOneNodeAlone(group, observed),
    why: 'the command was not found, and only on one node',
    next: 'Put the program on shared storage or in the image: what is installed on one node alone is not on the others.',
  },
  {
    name: 'command-not-found',
    matches: (group) => shellCode(group.example) === 127,
    why: 'the command was not found',
    next: 'Check the spelling in the manifest; bring the program in by `inputs` or in the image, and set `PATH` under `environment` if it lies elsewhere.',
  },
  {
    name: 'not-executable',
    matches: (group) => shellCode(group.example) === 126,
    why: 'the command was found but may not be executed',
    next: 'Make it executable (`chmod +x`) before you submit, or start it by its interpreter (`python3 sim.py`).',
  },
  {
    name: 'task-memory',
    matches: stderr(/MemoryError|std::bad_alloc|Cannot allocate memory|Out of memory/i),
    why: 'there was no memory left for them',
    next: 'Raise `cluster.memory`, or lower `run.jobsPerNode` so that fewer tasks share a node.',
  },
  {
    name: 'task-killed',
    matches: (group) => shellCode(group.example) === 137,
    why: 'something killed them (signal 9), most often because the node’s memory was used up',
    next: 'Raise `cluster.memory`, or lower `run.jobsPerNode` so that fewer tasks share a node.',
  },
  {
    name: 'task-time-limit',
    matches: (group, observed) =>
      [124, 143, 255].includes(shellCode(group.example)) && ranToItsLimit(group, observed),
    why: 'they ended as tasks do that reach `timeouts.task`',
    next: 'Raise `timeouts.task` if they need longer, or look at what one of them was doing.',
  },
  {
    name: 'crash',
    matches: (group) => [132, 134, 135, 136, 139].includes(shellCode(group.example)),
    why: 'the program crashed (a fault in memory, an abort or a wrong instruction)',
    next: 'Run the example on your own machine under a debugger; a crash on one node only may be the machine’s fault, then submit again.',
  },
  {
    name: 'no-such-file',
    matches: stderr(/No such file or directory|FileNotFoundError|ENOENT/),
    why: 'a file that they needed was not there',
    next: 'Tasks start in the run’s folder on shared storage: bring the file in by `inputs`, and name it relative to there; a folder for results has to be made first (`mkdir -p results && …`).',
  },
  {
    name: 'permission',
    matches: stderr(/Permission denied|PermissionError|EACCES/),
    why: 'a file or folder may not be read or written by the tasks’ user',
    next: 'Write below the folder that tasks start in, or change the permission of the file before you submit.',
  },
  {
    name: 'aws-denied',
    matches: stderr(/AccessDenied|is not authorized to perform|Unable to locate credentials/),
    why: 'AWS refused what they asked for',
    next: 'Ask the operators of the deployment to let the job’s role do this.',
  },
];

/** What the largest group of failures says, for `why` and `next`; undefined when no group is known. */
export function explainFailures(
  observed: Observed,
): { name: string; why: string; next?: string } | undefined {
  const groups = observed.failures ?? [];
  const [largest] = groups;
  if (largest === undefined) return undefined;
  const kind = KINDS.find((candidate) => candidate.matches(largest, observed));
  const share =
    groups.length === 1
      ? 'They look alike'
      : `${largest.count === groups[1]?.count ? 'One' : 'The largest'} of ${groups.length} groups (${counted(largest.count, 'task')})`;
  const said = lastLine(largest.example.stderrTail);
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
      why: `${share}: exit code ${shellCode(largest.example)}; ${where}, which ${words}.${onOne}${files}`,
    };
  }
  return {
    name: kind.name,
    why: `${share}: ${kind.why}; ${where}, which ${words}.${onOne}${files}`,
    next: kind.next,
  };
}

/**
 * True when it is no chance that one node ran them all: with its share of all tasks, that happens to fewer than one in 16
 * groups of that size. A node that ran nearly everything (the others came late, the tasks were short) tells nothing.
 */
function onOneNodeAlone({ nodes, count, example }: FailureGroup, { tasksOn }: Observed): boolean {
  if (nodes !== 1 || tasksOn === undefined) return false;
  let all = 0;
  for (const tasks of tasksOn.values()) all += tasks;
  const share = (tasksOn.get(example.node) ?? all) / all;
  return share ** (count - 1) <= 1 / 16;
}

/** Programs, too, end with such codes, and long before (`sys.exit(-1)` is 255). Stock's limit is a little early or late. */
function ranToItsLimit({ example }: FailureGroup, { limits, secondsOf }: Observed): boolean {
  const limit = limits?.taskSeconds;
  return limit !== undefined && (secondsOf?.get(example.seq) ?? limit) >= 0.9 * limit;
}

function lastLine(text: string): string {
  return asBashSays(text.trimEnd().split('\n').at(-1)?.trim() ?? '');
}
