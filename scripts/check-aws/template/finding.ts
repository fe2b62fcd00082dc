import type { Json } from './json.ts';
import type { Resource, Stack } from './resolve.ts';

/** One mistake, with what it would do. */
export interface Finding {
  /** Fixed, for tests. */
  code: string;
  where: string;
  message: string;
}

/** What is checked: the stack as it comes out for one set of parameters, and the state machine in it. */
interface System {
  stack: Stack;
  asl: Json;
}

export type Check = (system: System, found: Found) => void;

/** Collects findings; each check says what should hold. */
export class Found {
  readonly findings: Finding[] = [];

  /** Notes a mistake unless it holds. */
  expect(holds: boolean, code: string, where: string, message: string): void {
    if (!holds) this.findings.push({ code, where, message });
  }
}

export function ofType(stack: Stack, type: string): Resource[] {
  return [...stack.resources.values()].filter((resource) => resource.type === type);
}

/** The one resource of a name, or one without properties where it is missing, so that checks find what it lacks. */
export function named(stack: Stack, name: string): Resource {
  return stack.resources.get(name) ?? { name, type: 'missing', properties: {}, whole: {} };
}

/** The resource that a resolved reference (`<Name>`, `<Name.Arn>`) names. */
export function referred(stack: Stack, reference: string): Resource | undefined {
  const name = /^<([^.>]+)[^>]*>$/.exec(reference)?.[1];
  return name === undefined ? undefined : stack.resources.get(name);
}
