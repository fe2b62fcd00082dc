/**
 * Where a place of a template stands for the shell: what a value has to be written as there to be exactly one argument,
 * or a part of one.
 */
export type Context =
  /** Between words, outside of all quotes. */
  | 'bare'
  | 'single'
  | 'double'
  /** Where the shell reads a second time or by rules of its own: only a plain value means itself there. */
  | 'plain-only';

/** Means itself to the shell wherever it stands. */
const PLAIN = /^[A-Za-z0-9_./:=@%+,-]+$/;

export function isPlainValue(value: string): boolean {
  return PLAIN.test(value);
}

/** What the shell acts on at each kind of place, where it is not quoted. */
const ACTED_ON = { bare: /[\s*?~$`\\;&|<>()#!{}[\]'"]/, single: /'/, double: /[\\$`"]/ };

/** True of a value that is something else to the shell where it is pasted. */
export function isActedOn(value: string, context: Exclude<Context, 'plain-only'>): boolean {
  return ACTED_ON[context].test(value);
}

/** The value as it is written at a place. Of one that {@link isPlainValue} denies, nothing is right where it is `plain-only`. */
export function quoted(value: string, context: Context): string {
  if (isPlainValue(value)) return value;
  if (context === 'bare') return `'${value.replaceAll("'", `'\\''`)}'`;
  if (context === 'single') return value.replaceAll("'", `'\\''`);
  return context === 'double' ? value.replaceAll(/[\\$`"]/g, '\\$&') : value;
}

const SHELL = /(?:^|\W)(?:[a-z]{0,3}sh|su)$/;
const CLOSES: Readonly<Record<string, string>> = { '$(': ')', '${': '}', "$'": "$'" };

/** True after `eval`, and in the word after `bash -c`: what stands there is read a second time. */
function isReadAgain(text: string): boolean {
  const [, ...before] = (text.split(/[;&|]/).at(-1) ?? '').split(/\s+/).reverse();
  if (before.some((word) => /(?:^|\W)eval$/.test(word))) return true;
  return /-[a-z]{0,5}c$/.test(before[0] ?? '') && before.slice(1).some((word) => SHELL.test(word));
}

/** Follows the shell's quotes through the text of a template. Where it could be wrong, it says `plain-only`. */
export class ShellReader {
  /** What closes each thing that is open, innermost last; `$'` stands for the quote of `$'…'`. */
  readonly #open: string[] = [];
  #isEscaped = false;
  /** The `)` of a `case` in `$(…)` closes nothing. */
  #isUncertain = false;
  /** The end of what stands outside of all quotes; Q for what is in them. */
  #outside = '';

  /** What a value put here would be in. */
  get context(): Context {
    const [innermost, outer] = this.#open.toReversed();
    if (this.#isEscaped || this.#isUncertain || outer !== undefined || isReadAgain(this.#outside))
      return 'plain-only';
    if (innermost === undefined) return 'bare';
    return innermost === "'" ? 'single' : innermost === '"' ? 'double' : 'plain-only';
  }

  read(text: string): void {
    for (let at = 0; at < text.length; at += 1) {
      const letter = text[at] ?? '';
      const two = text.slice(at, at + 2);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (letter === '\\' && this.#open.at(-1) !== "'") this.#isEscaped = true;
      else if (this.#reads(letter, two)) at += 1;
      if (this.#open.length === 0) this.#outside = (this.#outside + letter).slice(-400);
      if (this.#open.length > 1 || this.#open[0] === ')') this.#isUncertain ||= text.startsWith('case', at);
    }
  }

  /** Answers whether two letters were read. */
  #reads(letter: string, two: string): boolean {
    const inside = this.#open.at(-1);
    if (letter === inside || (letter === "'" && inside === "$'")) this.#open.pop();
    else if (inside === "'" || inside === "$'") return false;
    else if (CLOSES[two] !== undefined && !(two === "$'" && inside === '"')) {
      this.#opens(CLOSES[two]);
      return true;
    } else if (letter === '`' || letter === '"' || (letter === "'" && inside !== '"')) this.#opens(letter);
    else if (letter === '(' && inside === ')') this.#opens(')');
    return false;
  }

  #opens(closedBy: string): void {
    if (this.#open.length === 0) this.#outside += 'Q';
    this.#open.push(closedBy);
  }
}
