import { plainLine, withoutTerminalCodes } from '../../text/terminal-codes.ts';

/** Of the end of stderr; whoever writes more has said it in the last of it. */
const MOST_CHARACTERS = 64 * 1024;
const MOST_LINES = 1000;
/** Of one line: a data dump on one line is no message. */
const LONGEST_LINE = 800;
/** How far above a trace its first line is looked for. */
const MOST_ABOVE = 60;

/** How bash begins a message about the script of a task, whose name differs from task to task. */
const BASH_SAYS = /^\S*\/par-job-\w+: line \d+: /;
/** Its last word about a program that a signal ended: the exit code says so, and the program's own words are better. */
const OBITUARY = /^\S*\/par-job-\w+: line \d+: +\d+ [A-Z]/;

/** A line as bash would write it had the task been typed: without the path and the line of its script, which say nothing to anybody. */
function asBashSays(line: string): string {
  return line.replace(BASH_SAYS, 'bash: ');
}

/** Lines that stand below what went wrong and say nothing of it: frames of a trace, rules, summaries of wrappers. */
const IDLE: readonly RegExp[] = [
  OBITUARY,
  // Nothing but signs.
  /^[^\p{L}\p{N}]*$/u,
  // Frames: Java, JavaScript and .NET; Julia; Ruby; Perl; Lua; Octave; gfortran, gdb and sanitizers.
  /^\s+at \S/,
  /^\s*\.\.\. \d+ (?:more|common frames omitted)$/,
  /^\s*\[\d+\] /,
  /^\s+@ \S/,
  /^\s+from \S+:\d+:in /,
  /^\s+\S.* called at \S+ line \d+/,
  /^\t\[C\]: |^\t\S+:\d+: in /,
  /^\s*#\d+\s/,
  /^Node\.js v\d/,
  /^Execution halted$|^Calls: |^Backtrace:|^Stacktrace:|^stack traceback:|^stack backtrace:/,
  /^in expression starting at /,
  /^error: called from$/,
  /^Error termination\. Backtrace:|^Could not print backtrace/,
  /^note: (?:run with|Some details are omitted)/,
  /^goroutine \d+ \[|^exit status \d+$|^==\d+==ABORTING/,
  /^\s*(?:Aborted|Segmentation fault)(?: \(core dumped\))?$/,
  // What wrappers add: make, time, bash -x, conda run, mpirun.
  /^g?make(?:\[\d+\])?: (?:\*\*\* |Leaving directory)/,
  /^(?:real|user|sys)\s+\d+m[\d.]+s$|^Command exited with non-zero status|^[\d.]+user [\d.]+system |^\d+inputs\+/,
  /^\++ \S/,
  /^ERROR conda\.cli\.main_run:execute|^`?conda run .* failed/,
];

/** Where a trace or an ending of this kind stands below, the words are in the last line of that kind above it. */
const HEADED: readonly { below: RegExp; head: RegExp }[] = [
  { below: /^Execution halted$/, head: /^Error(?: in |:)/ },
  { below: /^Stacktrace:/, head: /^(?:ERROR|caused by): / },
  { below: /^Node\.js v\d/, head: /^(?:Uncaught )?[A-Za-z]{0,80}(?:Error|Exception)(?: \[\w+\])?: / },
  { below: /^----- Native stack trace/, head: /^FATAL ERROR: / },
  { below: /^goroutine \d+ \[/, head: /^(?:panic|fatal error): / },
  { below: /^Error termination\. Backtrace:/, head: /^Fortran runtime error: |^ERROR STOP/ },
  { below: /^error: called from$/, head: /^error: (?!called from)/ },
  { below: /^Image +PC +Routine/, head: /^forrtl: (?:severe|error)/ },
  { below: /^==\d+==ABORTING/, head: /^==\d+==ERROR: / },
  { below: /^stack backtrace:|^note: run with/, head: /^thread '.*' (?:\(\d+\) )?panicked at / },
];

/** Blocks between rules of dashes that only say that some process failed; what it said stands above them. */
const EMPTY_BLOCK =
  /^(?:MPI_ABORT was invoked|Primary job +terminated normally|(?:mpirun|mpiexec|prterun)(?:\.real)? (?:detected that|noticed that|has exited due to))/;

/**
 * The line of a failed task's stderr that says what went wrong: not R's `Execution halted`, a frame of a trace, a rule of
 * dashes or the last word of `make`, but the message above them. Of a line that a progress bar wrote over again and again
 * it is what a terminal would still show. One line of plain text, at most some 800 characters; empty where nothing was said.
 */
export function tellingLine(stderrTail: string): string {
  const lines = withoutTerminalCodes(stderrTail.slice(-MOST_CHARACTERS))
    .trimEnd()
    .split('\n')
    .slice(-MOST_LINES)
    .map(asShown);
  return plainLine(asBashSays(tellingOf(lines)).slice(0, LONGEST_LINE));
}

function tellingOf(lines: readonly string[]): string {
  const last = lines.findLastIndex((line) => !isIdle(line));
  if (last === -1) return lines.findLast((line) => line !== '' && !OBITUARY.test(line)) ?? '';
  const block = blockAbove(lines, last);
  if (block !== undefined)
    return EMPTY_BLOCK.test(block.words) ? tellingOf(lines.slice(0, block.start)) : block.words;
  const head = headOf(lines, last) ?? pythonsWords(lines, last) ?? last;
  return withContinuation(lines, head);
}

/** What a terminal shows of a line: the text behind its last carriage return. */
function asShown(line: string): string {
  const shown = line.trimEnd();
  return shown.slice(shown.lastIndexOf('\r') + 1).slice(0, 4 * LONGEST_LINE);
}

function isIdle(line: string): boolean {
  return IDLE.some((pattern) => pattern.test(line));
}

function headOf(lines: readonly string[], last: number): number | undefined {
  const below = lines.slice(Math.max(0, last - MOST_ABOVE));
  for (const { below: mark, head } of HEADED) {
    if (!below.some((line) => mark.test(line))) continue;
    const at = lines.findLastIndex((line) => head.test(line));
    if (at >= last - MOST_ABOVE && at !== -1) return at;
  }
  return undefined;
}

/** The first line below the frames of the last traceback: the text of an exception may go on over several lines. */
function pythonsWords(lines: readonly string[], last: number): number | undefined {
  const traceback = lines.lastIndexOf('Traceback (most recent call last):');
  if (traceback === -1) return undefined;
  const words = lines.findIndex((line, at) => at > traceback && line !== '' && !/^\s/.test(line));
  return words !== -1 && words <= last && last - words <= 20 ? words : undefined;
}

/** R and Rust write the words below their first line; R indents them. */
function withContinuation(lines: readonly string[], head: number): string {
  const line = lines[head] ?? '';
  const next = lines[head + 1] ?? '';
  if (/^Error(?: in .*)? ?: ?$|^Error in .*:\s*$/.test(line) && /^ {2}\S/.test(next))
    return `${line.trimEnd()} ${next.trim()}`;
  if (/^thread '.*' (?:\(\d+\) )?panicked at [^']*:$/.test(line)) return next;
  return line;
}

const RULE = /^[-=*]{20,}$/;

/** The text above a closing rule of dashes (GROMACS, Open MPI): its `… error:` with what follows, or its first lines. */
function blockAbove(lines: readonly string[], last: number): { words: string; start: number } | undefined {
  const closing = lines.findIndex((line, at) => at > last && RULE.test(line.trim()));
  if (closing === -1) return undefined;
  const start = lines.findLastIndex((line, at) => at < last && RULE.test(line.trim()));
  const block = lines.slice(Math.max(start, last - MOST_ABOVE) + 1, closing);
  const named = block.findIndex((line) => /error: *$/i.test(line));
  const from = named === -1 ? block.findIndex((line) => line.trim() !== '') : named;
  const to = block.findIndex((line, at) => at > from && line.trim() === '');
  const words = block.slice(from, to === -1 ? undefined : to).map((line) => line.trim());
  return { words: words.join(' '), start: Math.max(start, 0) };
}
