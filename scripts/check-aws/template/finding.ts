import type { Place, System } from './place.ts';
import { placeNamed, placesOf } from './place.ts';

/** One mistake, with what it would do. */
export interface Finding {
  /** Fixed, for tests. */
  code: string;
  where: string;
  message: string;
}

/**
 * By code: what a mistake would do, and the check. It answers whether there is none, or what breaks the rule: of each a
 * finding is told, whose words the reason makes its sentence of.
 */
type Rules<Subject> = Readonly<
  Record<
    string,
    readonly [
      reason: string | ((...broken: string[]) => string),
      check: (subject: Subject) => boolean | readonly (string | readonly string[])[],
    ]
  >
>;

/** The rules for one kind of place. */
export interface Table {
  find(system: System): Finding[];
  /** Its rules by code, with an ellipsis where a finding has words of its own. */
  reasons: readonly (readonly [code: string, reason: string])[];
}

/** The rules for whatever has a name that a finding can be told by. */
export function table<Subject extends { readonly name: string }>(
  subjects: (system: System) => readonly Subject[],
  rules: Rules<Subject>,
): Table {
  const find = (system: System) =>
    subjects(system).flatMap((subject) =>
      Object.entries(rules).flatMap(([code, [reason, check]]) => {
        const broken = check(subject);
        return (typeof broken === 'boolean' ? (broken ? [] : ['']) : broken).map((words) => ({
          code,
          where: subject.name,
          message: typeof reason === 'string' ? reason : reason(...[words].flat()),
        }));
      }),
    );
  const reasons = Object.entries(rules).map(
    ([code, [reason]]) => [code, typeof reason === 'string' ? reason : reason('…', '…', '…')] as const,
  );
  return { find, reasons };
}

/** The rules for every resource of a type. */
export function each(type: string, rules: Rules<Place>): Table {
  return table(placesOf(type), rules);
}

/** The rules for the one resource of a name; where it is missing, none of its properties is there. */
export function one(name: string, rules: Rules<Place>): Table {
  return table((system) => [placeNamed(name)(system)], rules);
}
