import type { Place, System } from './place.ts';
import { placeNamed, placesOf } from './place.ts';

/** One mistake, with what it would do. */
export interface Finding {
  /** Fixed, for tests. */
  code: string;
  where: string;
  message: string;
}

/** By code: what a mistake would do, and the condition under which there is none. */
type Rules<Subject> = Readonly<
  Record<
    string,
    readonly [reason: string | ((subject: Subject) => string), holds: (subject: Subject) => boolean]
  >
>;

/** The rules for one kind of place, and what they say of a system. */
export interface Table {
  /** A finding for each place and each rule that does not hold there. */
  find(system: System): Finding[];
  /** A finding for each place and each rule, whether it holds or not. */
  list(system: System): Finding[];
}

/** The rules for whatever has a name that a finding can be told by. */
export function table<Subject extends { readonly name: string }>(
  subjects: (system: System) => readonly Subject[],
  rules: Rules<Subject>,
): Table {
  const judge = (system: System, wanted: (holds: boolean) => boolean) =>
    subjects(system).flatMap((subject) =>
      Object.entries(rules)
        .filter(([, [, holds]]) => wanted(holds(subject)))
        .map(([code, [reason]]) => ({
          code,
          where: subject.name,
          message: typeof reason === 'string' ? reason : reason(subject),
        })),
    );
  return { find: (system) => judge(system, (holds) => !holds), list: (system) => judge(system, () => true) };
}

/** The rules for every resource of a type. */
export function each(type: string, rules: Rules<Place>): Table {
  return table(placesOf(type), rules);
}

/** The rules for the one resource of a name; where it is missing, none of its properties is there. */
export function one(name: string, rules: Rules<Place>): Table {
  return table((system) => [placeNamed(name)(system)], rules);
}
