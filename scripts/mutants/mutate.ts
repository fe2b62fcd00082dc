import { parseSync } from 'oxc-parser';

/** One change of a file: `to` instead of the text from `start` to `end`. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly from: string;
  readonly to: string;
}

type Node = Readonly<Record<string, unknown>> & { type: string; start: number; end: number };
type Change = readonly [node: Node, to: string];

/** Each operator's opposite. `<` for `<=` is not one: about half of these change nothing that anybody could see. */
const OPPOSITE: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '&&': '||',
  '||': '&&',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
};
/** What `a.method(…)` loses when only `a` is left. */
const METHODS = /^(?:filter|slice|sort|toSorted|reverse|toReversed|trim|trimEnd|replace|replaceAll|concat)$/;
/** What is only told to a log. */
const LOGS = /^[\w.#]*\blog(?:\.\w+)?\(/;
/** The expression of `a as T` is all that remains of it at run time. */
const TYPE_AROUND_VALUE = /^TS(?:As|Satisfies|NonNull|Instantiation)/;

/** All changes of a file in the order of its text; ids are given later, to those that are drawn. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const { program, errors } = parseSync(file, text);
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  const found: Change[] = [];
  walk(program, found, text);
  return found.map(([{ start, end }, to]) => {
    const line = text.slice(0, start).split('\n').length;
    return { id: 0, file, line, start, end, from: text.slice(start, end), to };
  });
}

/** The file with all its drawn mutants, each asleep until `globalThis.isMutant` says yes to its id. */
export function withMutants(text: string, mutants: readonly Mutant[]): string {
  const outerFirst = mutants.toSorted((a, b) => a.start - b.start || b.end - a.end);
  return render(text, [0, text.length], outerFirst);
}

function render(text: string, [from, to]: readonly [number, number], mutants: readonly Mutant[]): string {
  const [outer, ...others] = mutants;
  if (outer === undefined) return text.slice(from, to);
  const within = others.filter(({ end }) => end <= outer.end);
  const kept = render(text, [outer.start, outer.end], within);
  const after = others.slice(within.length);
  return `${text.slice(from, outer.start)}(globalThis.isMutant?.(${outer.id}) ? (${outer.to}) : (${kept}))${render(text, [outer.end, to], after)}`;
}

function walk(value: unknown, found: Change[], text: string): void {
  if (Array.isArray(value)) for (const one of value) walk(one, found, text);
  if (!isNode(value)) return;
  if (value.type.startsWith('TS') && !TYPE_AROUND_VALUE.test(value.type)) return;
  for (const to of changesOf(value, text)) found.push([value, to]);
  if (value.type === 'IfStatement' && value.alternate === null && leaves(value.consequent))
    if (isNode(value.test)) found.push([value.test, 'false']);
  if (value.type === 'ExpressionStatement' && isNode(value.expression) && typeof value.directive !== 'string')
    if (!LOGS.test(text.slice(value.start, value.end))) found.push([value.expression, 'undefined']);
  for (const [key, child] of Object.entries(value)) if (mayChange(value, key)) walk(child, found, text);
}

/** Keys of objects are no expressions, and a chain of `?.` cannot be cut within. */
function mayChange(parent: Node, key: string): boolean {
  if (key === 'key') return parent.computed === true;
  return parent.type !== 'ChainExpression' && parent.type !== 'ImportDeclaration';
}

function changesOf(node: Node, text: string): string[] {
  const { left, right, operator, value, callee } = node;
  const textOf = (one: unknown) => (isNode(one) ? text.slice(one.start, one.end) : '');
  if (/^(?:Binary|Logical)Expression$/.test(node.type)) {
    const isText = [left, right].some((one) => /^['"`]/.test(textOf(one)));
    const opposite = OPPOSITE[String(operator)];
    if (opposite === undefined || (isText && operator === '+')) return [];
    return [`(${textOf(left)}) ${opposite} (${textOf(right)})`];
  }
  if (node.type === 'Literal' && typeof value === 'number')
    return value < 1000 ? [`${value + 1}`, `${value - 1}`] : [`${value * 2}`, `${value / 2}`];
  if (node.type !== 'CallExpression' || !isNode(callee)) return [];
  const { object, property } = callee;
  if (textOf(object) === 'Math' && /^(?:min|max)$/.test(textOf(property)))
    return [text.slice(node.start, node.end).replace(/min|max/, (name) => (name === 'min' ? 'max' : 'min'))];
  return METHODS.test(textOf(property)) ? [textOf(object)] : [];
}

function leaves(consequent: unknown): boolean {
  if (!isNode(consequent)) return false;
  const last = Array.isArray(consequent.body) ? consequent.body.at(-1) : consequent;
  return isNode(last) && /^(?:Return|Throw|Continue|Break)Statement$/.test(last.type);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}
