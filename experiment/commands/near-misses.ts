const SHOWN = 5;

/**
 * What a template says in a notation other than ours, as sentences: `${seed}`, `{seed:03d}`, `{ seed }`, `{{seed}}` beside
 * `{seed}`.
 * @param keys of the matrix
 * @param variables that `environment` sets: `${NAME}` of those is meant
 */
export function nearMissesOfTemplate(
  template: string,
  keys: readonly string[],
  variables: readonly string[],
): string[] {
  const known = new Set(keys);
  const isKey = (name: string | undefined): name is string => name !== undefined && known.has(name);
  const isSet = new Set([...variables, ...[...template.matchAll(SETS)].map((found) => found[1] ?? found[2])]);
  const misses = new Set<string>();
  for (const [, braced, bare] of template.matchAll(OF_THE_SHELL)) {
    const key = braced ?? bare;
    if (isKey(key) && !isSet.has(key))
      misses.add(`\`\${${key}}\` is the shell’s and empty there; write {${key}}`);
  }
  for (const [whole, key, format] of template.matchAll(FORMATTED))
    if (isKey(key) && format !== 'raw')
      misses.add(`${whole} stays as it is: a value takes no format; write {${key}}`);
  for (const [whole, key] of template.matchAll(WITH_BLANKS))
    if (isKey(key) && whole !== `{${key}}`)
      misses.add(`${whole} stays as it is; write {${key}}, without blanks`);
  const { literal, values, within } = placesOf(template);
  for (const key of literal)
    if (isKey(key) && values.has(key))
      misses.add(`{{${key}}} writes {${key}} as a text; write {${key}} for the value`);
  for (const key of within)
    if (isKey(key)) misses.add(`within \`\${…}\` nothing is put in: {${key}} stays there as it is`);
  return [...misses].slice(0, SHOWN);
}

/** `${seed}`, `${seed:-1}`, `$seed`. */
const OF_THE_SHELL = /(?<!\\)\$(?:\{([A-Za-z_]\w{0,99})[}:\-=+?%#/]|([A-Za-z_]\w{0,99}))/g;
/** A command that gives a variable its value: `seed=7;`, `for seed in`, `read -r seed`. */
const SETS =
  /(?:^|[\s;&|(])(?:([A-Za-z_]\w{0,99})=|(?:for|read|local|export|declare|mapfile)[ \t](?:-\w{1,9}[ \t])?([A-Za-z_]\w{0,99}))/g;
/** Of Python and of C#: `{seed:03d}`. */
const FORMATTED = /(?<![${])\{([A-Za-z_]\w{0,99}):([^{}\s]{0,20})\}/g;
/** Of Jinja and Mustache, with one pair of braces too few: `{ seed }`. */
const WITH_BLANKS = /\{[ \t]{0,9}([A-Za-z_]\w{0,99})[ \t]{0,9}\}/g;

/** What a command may have by mistake, and where. */
export interface NearMiss {
  /** From 0. */
  at: number;
  text: string;
  message: string;
}

/** What any command may have by mistake: a lone `&` at its end, `| tee` without pipefail, signs that cannot be seen. */
export function nearMissesOf(command: string): NearMiss[] {
  const misses: NearMiss[] = [];
  const add = (at: number, text: string, message: string) => misses.push({ at, text, message });
  const end = command.trimEnd();
  if (/(?:^|[^&>\\])&$/.test(end))
    add(
      end.length - 1,
      '&',
      'it ends in a lone `&`, which starts it in the background; take the `&` away, or add ` wait`',
    );
  const tee = /\|&?[ \t]*tee\b/.exec(command);
  if (tee !== null && !/pipefail|PIPESTATUS/.test(command))
    add(
      tee.index,
      tee[0],
      'its exit code is that of `tee`, so a failure goes unseen; begin with `set -o pipefail; `',
    );
  const unseen = UNSEEN.exec(command);
  if (unseen !== null) {
    const code = (unseen[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const words = `it holds a sign that cannot be seen (U+${code}), which the shell takes for a part of a word`;
    add(unseen.index, unseen[0], words);
  }
  const dash = DASH.exec(command);
  if (dash !== null) {
    const [whole, sign = ''] = dash;
    add(dash.index + whole.indexOf(sign), sign, `“${sign}” is no hyphen; an option begins with \`-\``);
  }
  return misses;
}

/** Blanks that are none to the shell, signs without width, and those that turn the direction of a text. */
const UNSEEN = /[\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]/u;
/** What word processors make of `--`. */
const DASH = /(?:^|\s)([–—])[A-Za-z]/u;

/** The names in `{{…}}`, in `{…}`, and in the shell's `${…}`, where expansions nest: `${OUT:-run-{seed}}`. */
function placesOf(template: string) {
  const [literal, values, within] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let depth = 0;
  for (const [sign, braced, single] of template.matchAll(BRACES)) {
    if (single !== undefined) (depth === 0 ? values : within).add(single);
    else if (braced !== undefined) literal.add(braced);
    else if (sign === '${' || (sign === '{' && depth > 0)) depth += 1;
    else depth = Math.max(0, depth - (sign === '}' ? 1 : 0));
  }
  return { literal, values, within };
}

const BRACES = /\$\{|\{\{([A-Za-z_]\w{0,99})\}\}|\{([A-Za-z_]\w{0,99})\}|[{}]/g;
