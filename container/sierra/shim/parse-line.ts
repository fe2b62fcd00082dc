/** The line that SIERRA's stage 2 runs on hpc.awsbatch, taken apart. Paths are absolute. */
export interface SierraLine {
  resumesFailed: boolean;
  /** Tasks at once on each node. */
  jobs: number;
  results: string;
  joblog: string;
  nodelist: string;
  workdir: string;
  /** Tries of a failing task, from PARALLEL's `--retries`. */
  tries: number;
  /** From PARALLEL's `--timeout`. */
  taskSeconds?: number;
  /** What `--env` in PARALLEL names, as far as it is defined: all that a task gets over ssh. */
  environment: Record<string, string>;
}

const OPTIONS = ['--jobs', '--results', '--joblog', '--sshloginfile', '--workdir'] as const;

/**
 * SIERRA's own line, or undefined for any other: exactly its options in its order, and in PARALLEL nothing but what is
 * done here just as GNU parallel does it (`--env`, `--retries`, `--timeout` in seconds). Pure.
 */
export function readSierraLine(
  given: readonly string[],
  environment: Readonly<Record<string, string>>,
): SierraLine | undefined {
  const resumesFailed = given[0] === '--resume-failed';
  const args = resumesFailed ? given.slice(1) : given;
  if (args.length !== OPTIONS.length * 2) return undefined;
  if (OPTIONS.some((option, index) => args[index * 2] !== option)) return undefined;
  const [jobs = '', results = '', joblog = '', nodelist = '', workdir = ''] = OPTIONS.map(
    (_, index) => args[index * 2 + 1] ?? '',
  );
  if (!/^[1-9]\d{0,3}$/.test(jobs)) return undefined;
  const paths = [results, joblog, nodelist, workdir];
  // With a replacement string in it, `--results` is another tree.
  if (paths.some((path) => !path.startsWith('/') || /[{}\n]/.test(path))) return undefined;
  const options = readParallel(environment.PARALLEL ?? '');
  if (options === undefined) return undefined;
  const { names, ...more } = options;
  return {
    resumesFailed,
    jobs: Number(jobs),
    results,
    joblog,
    nodelist,
    workdir,
    ...more,
    environment: Object.fromEntries(
      names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
    ),
  };
}

interface ParallelOptions {
  names: string[];
  tries: number;
  taskSeconds?: number;
}

/** PARALLEL as its user and SIERRA wrote it; undefined when it asks for anything that only GNU parallel does. */
function readParallel(text: string): ParallelOptions | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const options: ParallelOptions = { names: [], tries: 1 };
  while (words.length > 0) {
    const [option = '', inline] = split(words.shift() ?? '');
    if (option === '--will-cite' && inline === undefined) continue;
    const value = inline ?? words.shift() ?? '';
    if (option === '--env' && /^[A-Za-z_]\w*(,[A-Za-z_]\w*)*$/.test(value) && value !== '_')
      options.names.push(...value.split(','));
    else if (option === '--retries' && /^[1-9]\d{0,2}$/.test(value)) options.tries = Number(value);
    else if (option === '--timeout' && /^\d+(\.\d+)?$/.test(value) && Number(value) > 0)
      options.taskSeconds = Number(value);
    else return undefined;
  }
  return options;
}

function split(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
