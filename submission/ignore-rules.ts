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
    rules.findLast(({ matches, foldersOnly }) => (isFolder || !foldersOnly) && matches.test(path))?.ignored;
}

interface Rule {
  ignored: boolean;
  foldersOnly: boolean;
  matches: RegExp;
}

function ruleOf(line: string): Rule | undefined {
  const kept = withoutBlanks(line);
  if (kept === '' || kept.startsWith('#')) return undefined;
  const ignored = !kept.startsWith('!');
  const body = ignored ? kept : kept.slice(1);
  const foldersOnly = body.endsWith('/');
  const pattern = foldersOnly ? body.slice(0, -1) : body;
  const segments = pattern.replace(/^\//, '').split('/');
  const source = pattern.includes('/') ? anchored(segments) : `(?:.*/)?${segment(pattern)}`;
  try {
    return { ignored, foldersOnly, matches: new RegExp(`^${source}$`, 's') };
  } catch {
    return undefined; // `[z-a]` matches nothing, in git too
  }
}

/** Blanks at the end are dropped unless a backslash stands before them. */
function withoutBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ' && line[end - 2] !== '\\') end -= 1;
  return line.slice(0, end);
}

function anchored(segments: readonly string[]): string {
  return segments
    .map((part, index) => {
      const isLast = index === segments.length - 1;
      if (part === '**') return isLast ? '.+' : '(?:.*/)?';
      return segment(part) + (isLast ? '' : '/');
    })
    .join('');
}

/** `*`, `?`, `[…]` and backslashes of one name. */
function segment(pattern: string): string {
  return pattern.replace(
    /\\(.)|\*+|\?|\[([!^]?)(\]?[^\]]*)\]|[\\^$.|+(){}[\]]/gs,
    (all, escaped?: string, not?: string, among?: string) => {
      if (escaped !== undefined) return escaped.replace(/[\\^$.|?*+(){}[\]]/, '\\$&');
      if (among !== undefined) return `(?!/)[${not === '' ? '' : '^'}${among.replace(/[\\[\]^&]/g, '\\$&')}]`;
      if (all.startsWith('*')) return '[^/]*';
      return all === '?' ? '[^/]' : `\\${all}`;
    },
  );
}
