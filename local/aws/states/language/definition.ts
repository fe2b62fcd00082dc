import * as z from 'zod';
import type { Json } from './json.ts';
import { UnsupportedDefinition } from './path.ts';
import { choice, fail, succeed, task } from './schemas.ts';

/** A compiled `experiment.asl.json`: paths, templates and conditions are ready to be used. */
export type Definition = z.output<typeof machine>;
export type State = Definition['States'][string];
export type TaskState = Extract<State, { Type: 'Task' }>;
export type ChoiceState = Extract<State, { Type: 'Choice' }>;
export type FailState = Extract<State, { Type: 'Fail' }>;
export type Retrier = NonNullable<TaskState['Retry']>[number];

/**
 * Reads a definition in the Amazon States Language (JSONPath). `${Name}` is replaced from `substitutions`, as
 * CloudFormation does. Every state type, field, operator or path that is not interpreted here is refused, all at once: a
 * field that is passed over in silence would make the local system differ from AWS where nobody looks.
 * @throws UnsupportedDefinition
 */
export function loadDefinition(
  text: string,
  substitutions: Readonly<Record<string, string>> = {},
): Definition {
  const parsed = machine.safeParse(substitute(JSON.parse(text), substitutions));
  if (!parsed.success) throw new UnsupportedDefinition(`state machine:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function substitute(value: Json, substitutions: Readonly<Record<string, string>>): Json {
  const text = JSON.stringify(value).replaceAll(/\$\{([A-Za-z0-9_]+)\}/g, (whole, name: string) => {
    const replacement = substitutions[name];
    if (replacement === undefined) throw new UnsupportedDefinition(`nothing is given for ${whole}`);
    return JSON.stringify(replacement).slice(1, -1);
  });
  return JSON.parse(text);
}

const machine = z
  .strictObject({
    Comment: z.string().optional(),
    StartAt: z.string(),
    States: z.record(z.string().min(1).max(80), z.discriminatedUnion('Type', [task, choice, succeed, fail])),
  })
  .superRefine(({ StartAt, States }, context) => {
    const named = [StartAt, ...Object.values(States).flatMap(targetsOf)];
    for (const name of named)
      if (!Object.hasOwn(States, name))
        context.addIssue({ code: 'custom', message: `no state is called ${JSON.stringify(name)}` });
    const reached = reachable(StartAt, States);
    for (const name of Object.keys(States))
      if (!reached.has(name))
        context.addIssue({ code: 'custom', message: `nothing leads to the state ${JSON.stringify(name)}` });
  });

type AnyState = z.output<typeof task | typeof choice | typeof succeed | typeof fail>;

/** AWS refuses a machine with a state that nothing leads to. */
function reachable(startAt: string, states: Readonly<Record<string, AnyState>>): ReadonlySet<string> {
  const reached = new Set([startAt]);
  // A set that grows while it is walked is walked to its end.
  for (const name of reached) {
    const state = states[name];
    for (const target of state === undefined ? [] : targetsOf(state)) reached.add(target);
  }
  return reached;
}

function targetsOf(state: AnyState): readonly string[] {
  if (state.Type === 'Choice') return [...state.Choices.map((rule) => rule.Next), state.Default];
  if (state.Type !== 'Task') return [];
  const next = state.Next === undefined ? [] : [state.Next];
  return [...next, ...(state.Catch ?? []).map((rule) => rule.Next)];
}
