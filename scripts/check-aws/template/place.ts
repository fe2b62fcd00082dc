import type { Json } from './json.ts';
import { at, entriesAt, listAt, textAt, textsAt } from './json.ts';
import type { Resource, Stack } from './resolve.ts';
import { named, ofType, referred } from './resolve.ts';

/** What is checked: the stack as it comes out for one set of parameters, and the state machine in it. */
export interface System {
  stack: Stack;
  asl: Json;
}

/** A resource, or a part of one, with all that is around it. */
export class Place {
  /** Where a finding is told. */
  readonly name: string;
  readonly system: System;
  readonly properties: Json;
  /** DependsOn, DeletionPolicy and others besides the properties; {} in a part. */
  readonly whole: Json;

  constructor(system: System, { name, properties, whole }: Pick<Resource, 'name' | 'properties' | 'whole'>) {
    this.name = name;
    this.system = system;
    this.properties = properties;
    this.whole = whole;
  }

  at(...path: (string | number)[]): Json | undefined {
    return at(this.properties, ...path);
  }

  has(...path: (string | number)[]): boolean {
    return this.at(...path) !== undefined;
  }

  text(...path: (string | number)[]): string {
    return textAt(this.properties, ...path);
  }

  number(...path: (string | number)[]): number {
    return Number(this.text(...path));
  }

  texts(...path: (string | number)[]): string[] {
    return textsAt(this.properties, ...path);
  }

  list(...path: (string | number)[]): Json[] {
    return listAt(this.properties, ...path);
  }

  entries(...path: (string | number)[]): [string, Json][] {
    return entriesAt(this.properties, ...path);
  }

  /** Whether it stays when the stack goes, or when an update replaces it. */
  isKept(): boolean {
    return (
      /^Retain/.test(textAt(this.whole, 'DeletionPolicy')) &&
      textAt(this.whole, 'UpdateReplacePolicy') === 'Retain'
    );
  }

  /** Whether it stays when a first deployment fails. */
  isLeftOver(): boolean {
    return textAt(this.whole, 'DeletionPolicy') === 'Retain';
  }

  /** A part of it, under its own name where it has one. */
  part(properties: Json | undefined, name: string = this.name): Place {
    return new Place(this.system, { name, properties: properties ?? {}, whole: {} });
  }

  /** The parts that a list has. */
  parts(...path: (string | number)[]): Place[] {
    return this.list(...path).map((element) => this.part(element));
  }

  /** The resource that the reference at a path names. */
  referred(...path: (string | number)[]): Resource | undefined {
    return referred(this.system.stack, this.text(...path));
  }

  /** Another resource of the stack. */
  other(name: string): Place {
    return new Place(this.system, named(this.system.stack, name));
  }

  others(type: string): Place[] {
    return placesOf(type)(this.system);
  }
}

export function placesOf(type: string): (system: System) => Place[] {
  return (system) => ofType(system.stack, type).map((resource) => new Place(system, resource));
}

export function placeNamed(name: string): (system: System) => Place {
  return (system) => new Place(system, named(system.stack, name));
}
