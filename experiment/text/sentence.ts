import { plainLine } from './terminal-codes.ts';

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
