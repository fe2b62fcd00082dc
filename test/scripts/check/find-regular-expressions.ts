import type { Argument, CallExpression, Expression, NewExpression, TemplateLiteral } from 'oxc-parser';
import { parseSync, Visitor } from 'oxc-parser';

interface RegularExpression {
  /** `experiment/text/duration.ts:12`. */
  at: string;
  /** Undefined where it is composed of something that is not known before the program runs. */
  source?: string | undefined;
  flags?: string | undefined;
}

/** Every literal and every `RegExp(…)` of one file, as JavaScript will compile it. @throws on a file that does not parse */
export function regularExpressions(file: string, text: string): RegularExpression[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  const constants = new Map<string, Expression>();
  const composed: (CallExpression | NewExpression)[] = [];
  const found: RegularExpression[] = [];
  const at = (start: number) => `${file}:${text.slice(0, start).split('\n').length}`;
  const compose = (call: CallExpression | NewExpression) => {
    const { callee } = call;
    if (callee.type === 'Identifier' && callee.name === 'RegExp') composed.push(call);
  };
  new Visitor({
    VariableDeclaration({ kind, declarations }) {
      for (const { id, init } of declarations)
        if (kind === 'const' && id.type === 'Identifier' && init) constants.set(id.name, init);
    },
    Literal(node) {
      if ('regex' in node)
        found.push({ at: at(node.start), source: node.regex.pattern, flags: node.regex.flags });
    },
    NewExpression: compose,
    CallExpression: compose,
  }).visit(program);
  for (const { start, arguments: given } of composed) {
    const [source, flags] = given;
    found.push({
      at: at(start),
      source: textOf(source, constants),
      flags: flags === undefined ? '' : textOf(flags, constants),
    });
  }
  return found;
}

/** What an expression comes to, when it is made of literals, templates and constants of the same file. */
function textOf(
  node: Argument | undefined,
  constants: ReadonlyMap<string, Expression>,
  depth = 0,
): string | undefined {
  if (node === undefined || depth > 9) return undefined;
  const known = (inner: Expression) => textOf(inner, constants, depth + 1);
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type === 'TemplateLiteral') return joined(node, 'cooked', known);
  if (node.type === 'Identifier') return textOf(constants.get(node.name), constants, depth + 1);
  if (node.type === 'TaggedTemplateExpression' && isCallOf(node.tag, 'raw'))
    return joined(node.quasi, 'raw', known);
  if (node.type === 'CallExpression' && isCallOf(node.callee, 'fromCodePoint')) {
    const [point] = node.arguments;
    return point?.type === 'Literal' && typeof point.value === 'number'
      ? String.fromCodePoint(point.value)
      : undefined;
  }
  return undefined;
}

function isCallOf(callee: Expression, method: 'raw' | 'fromCodePoint'): boolean {
  return (
    callee.type === 'MemberExpression' &&
    callee.object.type === 'Identifier' &&
    callee.object.name === 'String' &&
    callee.property.type === 'Identifier' &&
    callee.property.name === method
  );
}

function joined(
  { quasis, expressions }: TemplateLiteral,
  form: 'raw' | 'cooked',
  known: (inner: Expression) => string | undefined,
): string | undefined {
  const parts = quasis.flatMap(({ value }, at) => {
    const inner = expressions[at];
    return inner === undefined ? [value[form]] : [value[form], known(inner)];
  });
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
}
