import { isMadeOf } from '../../../wildcard.ts';
import { runtimeError } from './error.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';
import type { Path, Scope } from './path.ts';
import { compilePath, findPath, UnsupportedDefinition } from './path.ts';
import { timestamp } from './timestamp.ts';

export type Condition = (scope: Scope) => boolean;

/**
 * Compiles the condition of a choice rule (without its `Next`): And, Or, Not, and a test of one variable.
 * @throws UnsupportedDefinition for an operator or a shape that is not known here
 */
export function compileCondition(rule: Json): Condition {
  if (!isJsonObject(rule)) throw new UnsupportedDefinition(`a choice rule is an object: ${show(rule)}`);
  const { Comment: _, ...test } = rule;
  const [operator, ...others] = Object.keys(test).filter((key) => key !== 'Variable');
  if (operator === undefined || others.length > 0)
    throw new UnsupportedDefinition(`a choice rule has one operator: ${show(rule)}`);
  const operand = test[operator] ?? null;
  if (operator === 'And' || operator === 'Or') return compileAll(operator, operand, test);
  if (operator === 'Not') {
    const inner = compileCondition(operand);
    return (scope) => !inner(scope);
  }
  return compileTest(operator, operand, test);
}

function compileAll(operator: 'And' | 'Or', operand: Json, rule: JsonObject): Condition {
  if (!Array.isArray(operand) || operand.length === 0 || 'Variable' in rule)
    throw new UnsupportedDefinition(`${operator} takes a list of rules: ${show(rule)}`);
  const rules = operand.map(compileCondition);
  return operator === 'And'
    ? (scope) => rules.every((rule) => rule(scope))
    : (scope) => rules.some((rule) => rule(scope));
}

function compileTest(operator: string, operand: Json, rule: JsonObject): Condition {
  if (typeof rule.Variable !== 'string')
    throw new UnsupportedDefinition(`a choice rule names its Variable: ${show(rule)}`);
  const variable = compilePath(rule.Variable);
  const typeTest = TYPE_TESTS[operator];
  if (typeTest !== undefined) {
    if (typeof operand !== 'boolean')
      throw new UnsupportedDefinition(`${operator} takes true or false: ${show(rule)}`);
    if (operator === 'IsPresent') return (scope) => (findPath(variable, scope) !== undefined) === operand;
    return (scope) => typeTest(required(variable, scope)) === operand;
  }
  const byPath = operator.endsWith('Path');
  const compare = comparison(byPath ? operator.slice(0, -'Path'.length) : operator);
  if (compare === undefined || (byPath && operator === 'StringMatchesPath'))
    throw new UnsupportedDefinition(`the local interpreter does not know the choice operator ${operator}`);
  if (!byPath) {
    // A literal of the wrong type would never match: AWS refuses such a definition.
    if (!compare.takes(operand)) throw new UnsupportedDefinition(`${operator} cannot take ${show(operand)}`);
    return (scope) => compare.holds(required(variable, scope), operand);
  }
  if (typeof operand !== 'string') throw new UnsupportedDefinition(`${operator} takes a path: ${show(rule)}`);
  const other = compilePath(operand);
  return (scope) => compare.holds(required(variable, scope), required(other, scope));
}

const TYPE_TESTS: Readonly<Record<string, (value: Json) => boolean>> = {
  IsPresent: () => true,
  IsNull: (value) => value === null,
  IsString: (value) => typeof value === 'string',
  IsNumeric: (value) => typeof value === 'number',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: (value) => timestamp(value) !== undefined,
};

interface Comparison {
  takes(value: Json): boolean;
  /** False when either value is of another type. */
  holds(value: Json, other: Json): boolean;
}

type Order = (difference: number) => boolean;

const ORDERS: Readonly<Record<string, Order>> = {
  Equals: (difference) => difference === 0,
  LessThan: (difference) => difference < 0,
  GreaterThan: (difference) => difference > 0,
  LessThanEquals: (difference) => difference <= 0,
  GreaterThanEquals: (difference) => difference >= 0,
};

function comparison(operator: string): Comparison | undefined {
  if (operator === 'BooleanEquals')
    return {
      takes: (value) => typeof value === 'boolean',
      holds: (value, other) => typeof value === 'boolean' && value === other,
    };
  if (operator === 'StringMatches')
    return { takes: (value) => typeof value === 'string', holds: matchesWildcard };
  const [, type, order] = /^(String|Numeric|Timestamp)(\w+)$/.exec(operator) ?? [];
  const holds = ORDERS[order ?? ''];
  if (type === undefined || holds === undefined) return undefined;
  const comparable = COMPARABLE[type] ?? (() => undefined);
  return {
    takes: (value) => comparable(value) !== undefined,
    holds: (value, other) => {
      const [a, b] = [comparable(value), comparable(other)];
      if (a === undefined || b === undefined) return false;
      return holds(a < b ? -1 : a > b ? 1 : 0);
    },
  };
}

const COMPARABLE: Readonly<Record<string, (value: Json) => string | number | undefined>> = {
  String: (value) => (typeof value === 'string' ? value : undefined),
  Numeric: (value) => (typeof value === 'number' ? value : undefined),
  Timestamp: timestamp,
};

/** `*` is any text; `\*` a star, `\\` a backslash. */
function matchesWildcard(value: Json, pattern: Json): boolean {
  if (typeof value !== 'string' || typeof pattern !== 'string') return false;
  const parts = [''];
  for (const part of pattern.match(/\\[\\*]|./gs) ?? [])
    if (part === '*') parts.push('');
    else parts.push((parts.pop() ?? '') + part.slice(-1));
  return isMadeOf(value, parts);
}

function required(path: Path, scope: Scope): Json {
  const value = findPath(path, scope);
  if (value !== undefined) return value;
  throw runtimeError(
    `Invalid path '${path.text}': The choice state's condition path references an invalid value.`,
  );
}

function show(value: Json): string {
  return JSON.stringify(value);
}
