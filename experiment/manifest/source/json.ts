import type { ParseError } from 'jsonc-parser';
import { createScanner, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Fault } from './fault.ts';
import type { Reading, SourceNode } from './node.ts';
import type { SourcePlaces } from './positions.ts';
import { MAX_DEPTH, MAX_SIGNS, ManifestTree, nothing, tooDeep, tooManySigns } from './tree-builder.ts';

type JsonNode = NonNullable<ReturnType<typeof parseTree>>;

const MAX_ERRORS = 20;

/** Strict JSON (RFC 8259): no comments, no trailing commas, no second value. */
export function readJson(places: SourcePlaces): Reading {
  const excess = excessOf(places);
  if (excess !== undefined) return { faults: [excess] };
  const errors: ParseError[] = [];
  const root = parseTree(places.text, errors, {
    disallowComments: true,
    allowTrailingComma: false,
    allowEmptyContent: false,
  });
  if (errors.length > 0 || root === undefined) return { faults: errorFaults(places, errors) };
  const tree = new ManifestTree(places);
  const node = nodeOf(tree, root, 0);
  return tree.limit === undefined ? { root: node, faults: tree.faults } : { faults: [tree.limit] };
}

/** The parser recurses: depth and size are judged by the scanner, which knows a bracket from one in a text. */
function excessOf(places: SourcePlaces): Fault | undefined {
  const scanner = createScanner(places.text, true);
  let depth = 0;
  for (let signs = 0; scanner.scan() !== END_OF_FILE; signs += 1) {
    const token: number = scanner.getToken();
    if (token === OPEN_BRACE || token === OPEN_BRACKET) depth += 1;
    else if (token === CLOSE_BRACE || token === CLOSE_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH) return tooDeep(places, scanner.getTokenOffset());
    if (signs > MAX_SIGNS) return tooManySigns(places, scanner.getTokenOffset());
  }
  return undefined;
}

/** The library's `SyntaxKind` is a const enum, which does not exist where types are only taken off. */
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, END_OF_FILE] = [1, 2, 3, 4, 17];

function errorFaults(places: SourcePlaces, errors: readonly ParseError[]): Fault[] {
  if (errors.length === 0)
    return [places.fault('not-json', { start: 0, end: 1 }, 'not JSON: there is no value')];
  return errors
    .slice(0, MAX_ERRORS)
    .map(({ error, offset, length }) =>
      places.fault(
        'not-json',
        { start: offset, end: offset + length },
        `not JSON: ${spaced(printParseErrorCode(error))}`,
      ),
    );
}

function nodeOf(tree: ManifestTree, node: JsonNode, depth: number): SourceNode {
  const span = { start: node.offset, end: node.offset + node.length };
  if (!tree.enter(span, depth)) return nothing(span);
  const children = node.children ?? [];
  if (node.type === 'array')
    return { kind: 'list', ...span, items: children.map((child) => nodeOf(tree, child, depth + 1)) };
  if (node.type === 'object') {
    const entries = children.flatMap(({ children: [key, value] = [] }) => {
      if (key === undefined || value === undefined) return [];
      const at = { start: key.offset, end: key.offset + key.length };
      return [{ key: String(key.value), at, value: nodeOf(tree, value, depth + 1) }];
    });
    return tree.map(span, entries);
  }
  const written = tree.places.text.slice(span.start, span.end);
  // 1e999 is JSON, and no number that a computer can hold.
  const isNumber = typeof node.value !== 'number' || Number.isFinite(node.value);
  return tree.scalar(span, isNumber ? node.value : written, written);
}

function spaced(code: string): string {
  return code.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
