/** The file whose lines say what of a folder is not sent. */
export const IGNORE_FILE = '.sierra-batchignore';

/** What one ignore file says of a path: `undefined` where none of its lines speaks of it. */
export type IgnoreRules = (path: string, isFolder: boolean) => boolean | undefined;

/**
 * The lines of an ignore file, as git reads those of `.gitignore`: the last that matches counts, `!` takes back, a slash at
 * the end means folders only, one elsewhere ties the pattern to the file's own folder. @param text the file
 */
export function ignoreRules(text: string): IgnoreRules {
  const rules = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line) ?? []);
  return (path, isFolder) =>
    rules.findLast(({ segments, foldersOnly }) => (isFolder || !foldersOnly) && matches(segments, path))
      ?.ignored;
}

interface Rule {
  ignored: boolean;
  foldersOnly: boolean;
  segments: readonly Segment[];
}

/** Stands for any number of folders, or of letters of a name. */
const WILD = '**';
/** What a letter must be. */
type Letter = typeof WILD | ((letter: string) => boolean);
/** What a name in a path must be. */
type Segment = typeof WILD | readonly Letter[];

function ruleOf(line: string): Rule | undefined {
  const kept = withoutBlanks(line);
  if (kept === '' || kept.startsWith('#')) return undefined;
  const ignored = !kept.startsWith('!');
  const body = ignored ? kept : kept.slice(1);
  const foldersOnly = body.endsWith('/');
  const pattern = foldersOnly ? body.slice(0, -1) : body;
  const segments: Segment[] = pattern
    .replace(/^\//, '')
    .split('/')
    .map((part) => (part === WILD && pattern.includes('/') ? WILD : lettersOf(part)));
  if (!pattern.includes('/')) segments.unshift(WILD);
  // What is in a folder, not the folder itself.
  if (segments.at(-1) === WILD) segments.push([WILD]);
  return { ignored, foldersOnly, segments };
}

/** Blanks at the end are dropped unless a backslash stands before them. */
function withoutBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ' && line[end - 2] !== '\\') end -= 1;
  return line.slice(0, end);
}

/** `*`, `?`, `[…]` and backslashes of one name. */
function lettersOf(pattern: string): Letter[] {
  const found = pattern.matchAll(/\\(.)|\*+|\?|\[([!^]?)(\]?[^\]]*)\]|./gsu);
  return Array.from(found, ([all, escaped, not, among]): Letter => {
    if (among !== undefined) return (letter) => isAmong(letter, among) === (not === '');
    if (all.startsWith('*')) return WILD;
    return all === '?' ? () => true : (letter) => letter === (escaped ?? all);
  });
}

function isAmong(letter: string, among: string): boolean {
  const ranges = among.matchAll(/(.)(?:-(.))?/gsu);
  return Array.from(ranges).some(([, from = '', to = from]) => from <= letter && letter <= to);
}

function matches(segments: readonly Segment[], path: string): boolean {
  return fits(segments, path.split('/'), (letters, name) =>
    fits(letters, Array.from(name), (is, letter) => is(letter)),
  );
}

/** Only the last wild part is ever widened, so that no pattern takes longer than its length times the text's. */
function fits<Part extends object, Item>(
  parts: readonly (Part | typeof WILD)[],
  items: readonly Item[],
  is: (part: Part, item: Item) => boolean,
): boolean {
  let [next, wild, taken] = [0, -1, 0];
  for (let at = 0; at < items.length; ) {
    const part = parts[next];
    const item = items[at];
    if (part === WILD) [wild, taken] = [next++, at];
    else if (part !== undefined && item !== undefined && is(part, item)) [next, at] = [next + 1, at + 1];
    else if (wild === -1) return false;
    else [next, at] = [wild + 1, ++taken];
  }
  return parts.slice(next).every((part) => part === WILD);
}
