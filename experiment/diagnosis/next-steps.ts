import { runKeys } from '../layout/bucket-keys.ts';
import { plainLine } from '../text/terminal-codes.ts';
import type { Observed } from './observation.ts';

/** What people can do next, worded once. Text between backticks is something to type or a name to look for. */

/** Going on with an ended run: only what is missing or failed runs again. */
export function resumeIt({ runId }: Observed): string {
  return `add \`resume: ${runId}\` to the manifest and submit it again: only what is missing or failed will run`;
}

export function submitAgain(): string {
  return 'submit the manifest again';
}

export function readNodeLog({ runId }: Observed, node = 0): string {
  return `read \`${runKeys(runId).nodeLog(node)}\` in the bucket`;
}

export function seeReport({ runId }: Observed): string {
  return `the report (\`${runKeys(runId).report}\`)`;
}

/**
 * A clause as a sentence of its own: printable, at most 800 characters. A first word that is a file's or a person's name
 * (anything but plain small letters) stays as it is.
 */
export function sentence(clause: string): string {
  const line = plainLine(clause.slice(0, 4000));
  const text = line.length > 800 ? `${line.slice(0, 799).toWellFormed()}…` : line;
  if (text === '') return '';
  const capital = /^[a-z]+(?=[\s,;:]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

/**
 * Someone else's words inside a sentence of ours: one printable line of at most 300 characters in quotation marks. The
 * same sentence is shown in terminals, so what would act on one is taken out.
 */
export function quoted(text: string): string {
  const line = plainLine(text.slice(0, 4000)).replaceAll('`', "'");
  return `“${line.length > 300 ? `${line.slice(0, 299).toWellFormed()}…` : line}”`;
}
