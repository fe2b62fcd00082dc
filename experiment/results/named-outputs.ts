const WILDCARDS = /[*?[{]/;

/**
 * True where the manifest's `outputs` name the path, or a folder that it lies in. A wildcard may mean any name of its
 * place; what begins with a dot is meant only by who writes it out. Not named is what a task put into the index of what
 * was sent: it must not come to where a person works.
 */
export function areNamed(outputs: readonly string[]): (path: string) => boolean {
  const patterns = outputs.map(partsOf);
  return (path) => {
    const parts = partsOf(path);
    // What SIERRA's runs were set aside as lies beside them, under the same names.
    const beside = parts.map((part) => (part === 'exp-failed' ? 'exp-outputs' : part));
    return patterns.some((pattern) => covers(pattern, parts) || covers(pattern, beside));
  };
}

function covers([first, ...rest]: readonly string[], [name, ...below]: readonly string[]): boolean {
  if (first === undefined) return name === undefined || !name.startsWith('.');
  if (name === undefined) return false;
  const isMeant = first === name || (WILDCARDS.test(first) && !name.startsWith('.'));
  if (first === '**') return covers(rest, [name, ...below]) || (isMeant && covers([first, ...rest], below));
  return isMeant && (rest.length === 0 || covers(rest, below));
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
