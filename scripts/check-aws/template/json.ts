/** What a template or a state machine is made of. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The value at a path, or undefined where there is none. */
export function at(node: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let here: Json | undefined = node;
  for (const step of path) {
    if (Array.isArray(here) && typeof step === 'number') here = here[step];
    else if (isRecord(here) && typeof step === 'string' && Object.hasOwn(here, step)) here = here[step];
    else return undefined;
  }
  return here;
}

export function isRecord(node: Json | undefined): node is { [key: string]: Json } {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** The elements of an array; a single value counts as an array of one, as in IAM's policies. */
export function listAt(node: Json | undefined, ...path: (string | number)[]): Json[] {
  const found = at(node, ...path);
  if (found === undefined || found === null) return [];
  return Array.isArray(found) ? found : [found];
}

/** The text of a scalar; '' for anything else. */
export function textAt(node: Json | undefined, ...path: (string | number)[]): string {
  const found = at(node, ...path);
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean'
    ? String(found)
    : '';
}

export function textsAt(node: Json | undefined, ...path: (string | number)[]): string[] {
  return listAt(node, ...path).map((element) => textAt(element));
}

export function entriesAt(node: Json | undefined, ...path: (string | number)[]): [string, Json][] {
  const found = at(node, ...path);
  return isRecord(found) ? Object.entries(found) : [];
}

/** Every string in it, wherever it stands. */
export function* stringsIn(node: Json | undefined): Generator<string> {
  if (typeof node === 'string') yield node;
  else if (Array.isArray(node)) for (const element of node) yield* stringsIn(element);
  else if (isRecord(node)) for (const element of Object.values(node)) yield* stringsIn(element);
}
