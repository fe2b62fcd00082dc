/**
 * How a try ended, by one name wherever it is shown. The joblog has GNU parallel's columns, which cannot say all of it: what
 * only node 0 knows stands in last-lines.tsv.
 */
export type Ending =
  | { kind: 'succeeded' }
  | { kind: 'exit'; code: number }
  | { kind: 'signal'; signal: number }
  /** `memory`: the kernel ended it for want of memory. `lost`, `cut-off`: with its node, or with the run. */
  | { kind: 'time-limit' | 'memory' | 'output-limit' | 'lost' | 'cut-off' };

export type FailedEnding = Exclude<Ending, { kind: 'succeeded' }>;

/** With the code that a shell would show. */
const NAMED = {
  'time-limit': { words: 'time limit', code: 124 },
  memory: { words: 'out of memory', code: 137 },
  'output-limit': { words: 'output limit', code: 153 },
  lost: { words: 'lost with its node', code: 137 },
  'cut-off': { words: 'cut off', code: 143 },
} as const;
const KINDS = ['time-limit', 'memory', 'output-limit', 'lost', 'cut-off'] as const;
/** Of tries that failed. */
export const ENDS = ['exit', 'signal', ...KINDS] as const;

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'HUP',
  2: 'INT',
  4: 'ILL',
  6: 'ABRT',
  7: 'BUS',
  8: 'FPE',
  9: 'KILL',
  11: 'SEGV',
  13: 'PIPE',
  15: 'TERM',
  24: 'XCPU',
};

/**
 * What a row says. GNU parallel writes a signal as 128 + n over ssh and in a column of its own when local.
 * @param taskSeconds the time limit of tasks: who ends with 124 before it did so by itself
 */
export function endingOf(
  { exitval, signal, runtime }: { exitval: number; signal: number; runtime: number },
  taskSeconds = Number.POSITIVE_INFINITY,
): Ending {
  if (exitval === 0 && signal === 0) return { kind: 'succeeded' };
  if (signal > 0) return { kind: 'signal', signal };
  if (exitval === NAMED['time-limit'].code && runtime >= taskSeconds) return { kind: 'time-limit' };
  if (exitval === NAMED['output-limit'].code) return { kind: 'output-limit' };
  return exitval - 128 in SIGNALS
    ? { kind: 'signal', signal: exitval - 128 }
    : { kind: 'exit', code: exitval };
}

/** `exit 3`, `signal 9 (KILL)`, `time limit`. */
export function endingWords(ending: Ending): string {
  switch (ending.kind) {
    case 'succeeded':
      return 'succeeded';
    case 'exit':
      return `exit ${ending.code}`;
    case 'signal': {
      const name = SIGNALS[ending.signal];
      return `signal ${ending.signal}${name === undefined ? '' : ` (${name})`}`;
    }
    default:
      return NAMED[ending.kind].words;
  }
}

/** The inverse for what no row says by itself; undefined for all else. */
export function namedEnding(words: string): Ending | undefined {
  const kind = KINDS.find((candidate) => NAMED[candidate].words === words);
  return kind && { kind };
}

/** Exit code as a shell would show it. */
export function shellCode(ending: Ending): number {
  switch (ending.kind) {
    case 'succeeded':
      return 0;
    case 'exit':
      return ending.code;
    case 'signal':
      return 128 + ending.signal;
    default:
      return NAMED[ending.kind].code;
  }
}

/** Of what a summary keeps of a failed task. */
export function keptEnding({
  exitval,
  end,
}: {
  exitval: number;
  end?: FailedEnding['kind'] | undefined;
}): Ending {
  return end === undefined || end === 'exit' || end === 'signal'
    ? endingOf({ exitval, signal: 0, runtime: 0 })
    : { kind: end };
}
