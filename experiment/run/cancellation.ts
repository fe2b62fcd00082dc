import { plainLine } from '../text/terminal-codes.ts';

/** Who ended a run, and why. */
export interface Cancellation {
  by?: string | undefined;
  /** Empty where none was given. */
  reason: string;
}

/** Words without a colon are a name only if they are one word. */
const ONE_WORD = /^[^\s,;]+$/;

const MOST = { by: 100, reason: 2000 } as const;

/**
 * The cause that is given to Step Functions, which keeps the words of whoever stopped an execution and not the name:
 * `by ada: wrong seed` holds both.
 */
export function cancellationCause({ by, reason }: { by: string; reason: string }): string {
  const name = short(plainLine(by).replaceAll(':', ' '), MOST.by) || 'someone';
  const words = short(reason, MOST.reason);
  if (words !== '') return `by ${name}: ${words}`;
  return ONE_WORD.test(name) ? `by ${name}` : `by ${name}: no reason given`;
}

/** Of any execution that was stopped: by us, in the console or by another program, whose words are the reason then. */
export function parseCancellation(cause: string): Cancellation {
  const said = /^\s*(?:cancelled )?by ([^:\n]{1,100})(?::\s*(.*))?$/is.exec(cause);
  const [, by = '', reason] = said ?? [];
  // "by mistake, started twice" names nobody.
  if (said === null || (reason === undefined && !ONE_WORD.test(by.trim()))) return { reason: cause.trim() };
  return { by: by.trim(), reason: (reason ?? '').trim() };
}

/** Plain again after the cut, which may have gone through a letter. */
function short(text: string, most: number): string {
  return plainLine(plainLine(text).slice(0, most));
}
