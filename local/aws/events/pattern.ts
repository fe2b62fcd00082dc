import { isMadeOf } from './wildcard.ts';

/** A pattern as in an EventBridge rule: nested fields down to arrays of values, which are OR-ed. */
export interface EventPattern {
  readonly [field: string]: EventPattern | readonly PatternValue[];
}

type PatternValue =
  | string
  | number
  | boolean
  | null
  | { readonly prefix: string }
  | { readonly suffix: string }
  | { readonly wildcard: string }
  | { readonly exists: boolean }
  | { readonly 'anything-but': readonly (string | number)[] };

/** A pattern that this bus cannot judge; guessing would hide a mistake of the deployed rule. */
class UnknownPattern extends Error {
  override readonly name = 'UnknownPattern';
}

type Judge = (value: unknown) => boolean;

/** Compiles a pattern. @throws UnknownPattern */
export function compilePattern(pattern: EventPattern): Judge {
  const judges = Object.entries(pattern).map(([field, expected]): Judge => {
    // Patterns may come from a template, where no type holds them back.
    if (
      typeof expected !== 'object' ||
      expected === null ||
      (isAlternatives(expected) && expected.length === 0)
    )
      throw new UnknownPattern(`${field} takes a list of values: ${JSON.stringify(expected)}`);
    const judge = isAlternatives(expected) ? anyOf(expected.map(compileValue)) : compilePattern(expected);
    return (event) => judge(fieldOf(event, field));
  });
  return (event) => judges.every((judge) => judge(event));
}

function isAlternatives(
  expected: EventPattern | readonly PatternValue[],
): expected is readonly PatternValue[] {
  return Array.isArray(expected);
}

/** An array in the event matches when one of its elements does. */
function anyOf(judges: readonly Judge[]): Judge {
  return (value) => judges.some((judge) => (Array.isArray(value) ? value.some(judge) : judge(value)));
}

function compileValue(expected: PatternValue): Judge {
  if (typeof expected !== 'object' || expected === null) return (value) => value === expected;
  const [matcher, ...others] = Object.keys(expected);
  if (others.length > 0) throw new UnknownPattern(`one matcher at a time: ${JSON.stringify(expected)}`);
  const operand: unknown = Reflect.get(expected, matcher ?? '');
  if (typeof operand === 'string') {
    if (matcher === 'prefix') return (value) => typeof value === 'string' && value.startsWith(operand);
    if (matcher === 'suffix') return (value) => typeof value === 'string' && value.endsWith(operand);
    if (matcher === 'wildcard') return wildcard(operand);
  }
  if (matcher === 'exists' && typeof operand === 'boolean')
    return (value) => (value !== undefined) === operand;
  if (matcher === 'anything-but' && Array.isArray(operand))
    return (value) => value !== undefined && !operand.includes(value);
  throw new UnknownPattern(`the local bus does not know the matcher ${JSON.stringify(expected)}`);
}

function wildcard(pattern: string): Judge {
  if (pattern.includes('**'))
    throw new UnknownPattern(`EventBridge refuses consecutive wildcards: ${pattern}`);
  const parts = pattern.split('*');
  return (value) => typeof value === 'string' && isMadeOf(value, parts);
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}
