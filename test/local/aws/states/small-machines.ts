import fc from 'fast-check';
import type { Script } from './other-interpreter.ts';

/** A machine whose states only lead forward, an input for it, and what its function does when it is called. */
export interface SmallMachine {
  definition: { StartAt: string; States: Record<string, object> };
  input: object;
  script: Script;
}

const START = Date.parse('2026-01-01T00:00:00Z');

// Text without the wildcards that only the other interpreter knows (?, [, {).
const text = fc.stringMatching(/^[ab]{0,3}$/);
const timestamp = fc.constantFrom(
  '2026-01-01T00:00:00Z',
  '2026-01-01T01:00:00+01:00',
  '2026-01-01T00:00:00.500Z',
  '2025-12-31T23:59:59Z',
);
const number = fc.integer({ min: -2, max: 2 });
const input = fc.record({
  n: number,
  s: text,
  b: fc.boolean(),
  t: timestamp,
  nothing: fc.constant(null),
  o: fc.record({ n: number, s: text, b: fc.boolean(), t: timestamp, list: fc.tuple(number, number) }),
});

const anyPath = fc.constantFrom(
  '$.n',
  '$.s',
  '$.b',
  '$.t',
  '$.nothing',
  '$.o',
  '$.o.n',
  "$['o']['s']",
  '$.o.list[1]',
  '$',
);
const nowhere = fc.constantFrom('$.gone', '$.o.gone', '$.o.list[7]');

const order = fc.constantFrom('Equals', 'LessThan', 'GreaterThan', 'LessThanEquals', 'GreaterThanEquals');
const compare = (type: string, field: string, literal: fc.Arbitrary<unknown>) =>
  fc.oneof(
    fc
      .record({ by: order, from: fc.constantFrom(`$.${field}`, `$.o.${field}`), to: literal })
      .map(({ by, from, to }) => ({ Variable: from, [`${type}${by}`]: to })),
    order.map((by) => ({ Variable: `$.${field}`, [`${type}${by}Path`]: `$.o.${field}` })),
  );
// Only `true`: the other interpreter takes `false` for `true`.
const typeTest = fc
  .record({
    test: fc.constantFrom('IsNull', 'IsString', 'IsNumeric', 'IsBoolean', 'IsTimestamp'),
    path: anyPath,
  })
  .map(({ test, path }) => ({ Variable: path, [test]: true }));
const presence = fc.oneof(anyPath, nowhere).map((path) => ({ Variable: path, IsPresent: true }));
const equality = fc.constantFrom(
  { Variable: '$.b', BooleanEquals: true },
  { Variable: '$.b', BooleanEqualsPath: '$.o.b' },
  { Variable: '$.s', StringMatches: 'a*' },
  { Variable: '$.s', StringMatches: '*b*' },
  { Variable: '$.s', StringMatches: '' },
  { Variable: '$.n', StringEquals: 'a' },
  { Variable: '$.s', NumericEquals: 1 },
  { Variable: '$.o', BooleanEquals: false },
);
const { condition } = fc.letrec<{ condition: object }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    compare('Numeric', 'n', number),
    compare('String', 's', text),
    compare('Timestamp', 't', timestamp),
    typeTest,
    presence,
    equality,
    tie('condition').map((inner) => ({ Not: inner })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((all) => ({ And: all })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((any) => ({ Or: any })),
  ),
}));

const template = fc
  .dictionary(
    fc.constantFrom('p', 'q', 'r'),
    fc.oneof(
      fc.record({ path: anyPath }),
      fc.record({ value: fc.oneof(number, text, fc.constant(null)) }),
      fc.record({ nested: anyPath }),
    ),
  )
  .map((fields) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, field]) => {
        if ('path' in field) return [`${key}.$`, field.path];
        return [key, 'nested' in field ? { deep: [{ 'x.$': field.nested }, 1] } : field.value];
      }),
    ),
  );
// Results go beside the input, so that the paths of later states lead somewhere.
const resultPath = fc.constantFrom(null, '$.made', '$.o.made', '$.made.deeper');

const pass = fc
  .record({
    kind: fc.constantFrom('Parameters', 'Result', 'neither'),
    template,
    resultPath,
    inner: fc.boolean(),
  })
  .map(({ kind, template: made, resultPath: to, inner }) => ({
    Type: 'Pass',
    ...(kind === 'Parameters' && !inner ? { Parameters: made } : {}),
    ...(kind === 'Result' ? { Result: { fixed: [1, 'two'] } } : {}),
    ...(inner ? { InputPath: '$.o' } : {}),
    ResultPath: to,
  }));
const wait = fc.oneof(
  fc.integer({ min: 1, max: 90 }).map((Seconds) => ({ Type: 'Wait', Seconds })),
  fc.integer({ min: 1, max: 90 }).map((seconds) => ({
    Type: 'Wait',
    Timestamp: new Date(START + 1000 * seconds).toISOString(),
  })),
);
const choice = fc
  .record({ rules: fc.array(condition, { minLength: 1, maxLength: 3 }), hasDefault: fc.boolean() })
  .map(({ rules, hasDefault }) => ({ Type: 'Choice', rules, hasDefault }));

const errorName = fc.constantFrom('Throttled', 'Refused', 'Odd');
const errorEquals = fc.oneof(
  fc.uniqueArray(errorName, { minLength: 1, maxLength: 2 }),
  fc.constantFrom(['States.TaskFailed'], ['States.Timeout'], ['States.Timeout', 'Odd']),
);
const retrier = fc.record(
  {
    ErrorEquals: errorEquals,
    IntervalSeconds: fc.integer({ min: 1, max: 20 }),
    MaxAttempts: fc.integer({ min: 0, max: 4 }),
    BackoffRate: fc.constantFrom(1, 1.5, 2, 3),
    MaxDelaySeconds: fc.integer({ min: 21, max: 60 }),
  },
  { requiredKeys: ['ErrorEquals'] },
);
const task = fc
  .record({
    retry: fc.array(retrier, { maxLength: 3 }),
    catches: fc.array(errorEquals, { maxLength: 2 }),
    catchAll: fc.boolean(),
    template,
    selects: fc.boolean(),
    resultPath,
  })
  .map(({ retry, catches, catchAll, template: made, selects, resultPath: to }) => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: 'act', Payload: made },
    ...(selects ? { ResultSelector: { 'answer.$': '$.Payload', 'status.$': '$.StatusCode' } } : {}),
    ResultPath: to,
    TimeoutSeconds: 30,
    Retry: retry,
    catches: [...catches, ...(catchAll ? [['States.ALL']] : [])],
  }));

const last = fc.oneof(
  fc.constant<object>({ Type: 'Succeed' }),
  anyPath.map((OutputPath) => ({ Type: 'Succeed', OutputPath })),
  template.map((Parameters) => ({ Type: 'Pass', Parameters, End: true })),
  fc.constant({ Type: 'Pass', InputPath: null, End: true }),
  fc.constant({ Type: 'Pass', OutputPath: null, End: true }),
  fc.constant({ Type: 'Fail', Error: 'Ended', Cause: 'on purpose' }),
  fc.constant({ Type: 'Fail', ErrorPath: '$.s', Cause: 'by path' }),
);

type Linkable = {
  Type: string;
  rules?: object[];
  hasDefault?: boolean;
  catches?: readonly (readonly string[])[];
};

/** Puts the states in a row: each leads to the next one or, by rules and catches, to later ones. */
function link(states: readonly Linkable[], end: object, leaps: readonly number[]): Record<string, object> {
  let used = 0;
  const names = [...states.map((_, at) => `S${at}`), 'Last'];
  const later = (at: number) => {
    const ahead = names.slice(at + 1);
    return ahead[(leaps[used++ % leaps.length] ?? 0) % ahead.length];
  };
  const linked = states.map(({ rules, hasDefault, catches, ...fields }, at) => {
    if (rules !== undefined)
      return {
        ...fields,
        Choices: rules.map((rule) => ({ ...rule, Next: later(at) })),
        ...(hasDefault ? { Default: names[at + 1] } : {}),
      };
    const Catch = (catches ?? []).map((ErrorEquals) => ({
      ErrorEquals,
      ResultPath: '$.caught',
      Next: later(at),
    }));
    return { ...fields, ...(Catch.length > 0 ? { Catch } : {}), Next: names[at + 1] };
  });
  return onlyReached({ ...Object.fromEntries(linked.map((made, at) => [`S${at}`, made])), Last: end });
}

/** AWS, and both interpreters, refuse a state that nothing leads to. */
function onlyReached(states: Record<string, object>): Record<string, object> {
  const reached = new Set(['S0']);
  for (const name of reached)
    for (const [, target] of JSON.stringify(states[name]).matchAll(/"(?:Next|Default)":"(\w+)"/g))
      if (target !== undefined) reached.add(target);
  return Object.fromEntries(Object.entries(states).filter(([name]) => reached.has(name)));
}

const state: fc.Arbitrary<Linkable> = fc.oneof(pass, wait, choice, task);

export const smallMachine: fc.Arbitrary<SmallMachine> = fc
  .record({
    states: fc.array(state, {
      minLength: 1,
      maxLength: 5,
    }),
    end: last,
    leaps: fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
    input,
    script: fc.array(fc.oneof(errorName, fc.constant('hang')), { maxLength: 6 }),
  })
  .map(({ states, end, leaps, input: given, script }) => ({
    definition: { StartAt: 'S0', States: link(states, end, leaps) },
    input: given,
    script,
  }));
