import type { Context } from './quote.ts';
import { ShellReader } from './quote.ts';

/** A template taken apart: text, and the keys to be replaced. */
export type TemplatePart = { text: string } | { key: string; at: number; as: Context | 'raw' };

/**
 * `{key}` is replaced by its value quoted for the place, `{key:raw}` by the value as it is, `${…}` is the shell's, `{{key}}`
 * writes `{key}`, other braces are plain.
 */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let text = '';
  const shell = new ShellReader();
  const pattern = /\$\{|\{\{([A-Za-z_][A-Za-z0-9_]*(?::raw)?)\}\}|\{([A-Za-z_][A-Za-z0-9_]*)(:raw)?\}/g;
  const add = (more: string) => {
    text += more;
    shell.read(more);
  };
  let last = 0;
  for (let match = pattern.exec(template); match !== null; match = pattern.exec(template)) {
    const [whole, literal, key, raw] = match;
    add(template.slice(last, match.index));
    last = match.index + whole.length;
    if (literal !== undefined) {
      add(`{${literal}}`);
    } else if (key !== undefined) {
      if (text !== '') parts.push({ text });
      text = '';
      parts.push({ key, at: match.index, as: raw === undefined ? shell.context : 'raw' });
      shell.read('v'); // Whatever the value, its quotes are closed.
    } else {
      last = endOfExpansion(template, last);
      add(template.slice(match.index, last));
      pattern.lastIndex = last;
    }
  }
  text += template.slice(last);
  if (text !== '') parts.push({ text });
  return parts;
}

/** Where the shell's `${…}` ends; expansions nest. */
function endOfExpansion(template: string, from: number): number {
  let depth = 1;
  for (let at = from; at < template.length; at += 1) {
    if (template[at] === '{') depth += 1;
    else if (template[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return template.length;
}
