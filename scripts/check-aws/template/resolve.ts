import type { Json } from './json.ts';
import { at, entriesAt, isRecord, listAt, textAt } from './json.ts';

/** A resource as it will be, or `undefined` in place of what a condition takes away. */
export interface Resource {
  name: string;
  type: string;
  properties: Json;
  /** All of it: DependsOn, DeletionPolicy and others besides the properties. */
  whole: Json;
}

export interface Stack {
  /** Of whom a finding is told. */
  variant: string;
  parameters: ReadonlyMap<string, Json>;
  resources: ReadonlyMap<string, Resource>;
  outputs: ReadonlyMap<string, Json>;
}

const PSEUDO: Record<string, string> = {
  'AWS::StackName': 'stack',
  'AWS::StackId': 'arn:aws:cloudformation:eu-central-1:123456789012:stack/stack/1',
  'AWS::Region': 'eu-central-1',
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** Something that this reader does not know; guessing would hide a mistake. */
class UnknownFunction extends Error {
  override readonly name = 'UnknownFunction';
}

/**
 * The stack that a template gives for these parameters. A reference to a resource becomes `<Name>` or `<Name.Attribute>`,
 * inside of a text too, so that who refers to whom can be read off. The globals of SAM's functions are merged in.
 * @throws UnknownFunction
 */
export function resolveTemplate(
  template: Json,
  variant: string,
  given: Readonly<Record<string, string>> = {},
): Stack {
  const resolver = new Resolver(template, given);
  const resources = new Map<string, Resource>();
  const globals = at(template, 'Globals', 'Function');
  for (const [name, resource] of entriesAt(template, 'Resources')) {
    const condition = textAt(resource, 'Condition');
    if (condition !== '' && !resolver.holds(condition)) continue;
    const type = textAt(resource, 'Type');
    const whole = resolver.resolve(resource) ?? {};
    const own = at(whole, 'Properties') ?? {};
    const properties =
      type === 'AWS::Serverless::Function' ? merged(resolver.resolve(globals ?? {}) ?? {}, own) : own;
    resources.set(name, { name, type, properties, whole });
  }
  const outputs = new Map<string, Json>();
  for (const [name, output] of entriesAt(template, 'Outputs'))
    outputs.set(name, resolver.resolve(at(output, 'Value') ?? null) ?? null);
  return { variant, parameters: new Map(entriesAt(template, 'Parameters')), resources, outputs };
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

class Resolver {
  readonly #template: Json;
  readonly #given: Readonly<Record<string, string>>;

  constructor(template: Json, given: Readonly<Record<string, string>>) {
    this.#template = template;
    this.#given = given;
  }

  holds(condition: string): boolean {
    const rule = at(this.#template, 'Conditions', condition);
    if (rule === undefined) throw new UnknownFunction(`there is no condition ${condition}`);
    return this.#truth(rule);
  }

  /** undefined where `AWS::NoValue` takes it away. */
  resolve(node: Json): Json | undefined {
    if (Array.isArray(node))
      return node.flatMap((element) => {
        const value = this.resolve(element);
        return value === undefined ? [] : [value];
      });
    if (!isRecord(node)) return node;
    const [first, ...others] = Object.entries(node);
    if (first !== undefined && others.length === 0 && (first[0] === 'Ref' || first[0].startsWith('Fn::')))
      return this.#call(first[0], first[1]);
    const result: Record<string, Json> = {};
    for (const [key, element] of Object.entries(node)) {
      const value = this.resolve(element);
      if (value !== undefined) result[key] = value;
    }
    return result;
  }

  #call(name: string, argument: Json): Json | undefined {
    switch (name) {
      case 'Ref':
        return this.#ref(textAt(argument));
      case 'Fn::GetAtt':
        return `<${listAt(argument)
          .map((part) => textAt(part))
          .join('.')}>`;
      case 'Fn::Sub':
        return this.#sub(argument);
      case 'Fn::If':
        return this.resolve(at(argument, this.holds(textAt(argument, 0)) ? 1 : 2) ?? null);
      case 'Fn::Join':
        return listAt(this.resolve(at(argument, 1) ?? []))
          .map((part) => textAt(part))
          .join(textAt(argument, 0));
      case 'Fn::Split':
        return textAt(this.resolve(at(argument, 1) ?? '')).split(textAt(argument, 0));
      case 'Fn::Select':
        return listAt(this.resolve(at(argument, 1) ?? []))[Number(textAt(argument, 0))] ?? '';
      case 'Fn::GetAZs':
        return ['eu-central-1a', 'eu-central-1b'];
      case 'Fn::Base64':
        return this.resolve(argument);
      default:
        throw new UnknownFunction(`${name} is not known here`);
    }
  }

  #ref(name: string): Json | undefined {
    if (name === 'AWS::NoValue') return undefined;
    if (PSEUDO[name] !== undefined) return PSEUDO[name];
    const parameter = at(this.#template, 'Parameters', name);
    if (parameter === undefined) return `<${name}>`;
    const value = this.#given[name] ?? textAt(parameter, 'Default');
    return textAt(parameter, 'Type') === 'CommaDelimitedList' ? value.split(',') : value;
  }

  #sub(argument: Json): string {
    const [pattern, names] = Array.isArray(argument) ? argument : [argument];
    return textAt(pattern).replaceAll(/\$\{([^!}][^}]*)\}/g, (_, name: string) => {
      const own = at(names, name);
      if (own !== undefined) return textAt(this.resolve(own));
      const value = name.includes('.') ? `<${name}>` : this.#ref(name);
      return Array.isArray(value) ? value.map((part) => textAt(part)).join(',') : textAt(value);
    });
  }

  #truth(rule: Json): boolean {
    const [name = '', argument = null] = isRecord(rule) ? (Object.entries(rule)[0] ?? []) : [];
    if (name === 'Condition') return this.holds(textAt(argument));
    if (name === 'Fn::Not') return !this.#truth(at(argument, 0) ?? null);
    if (name === 'Fn::And') return listAt(argument).every((each) => this.#truth(each));
    if (name === 'Fn::Or') return listAt(argument).some((each) => this.#truth(each));
    if (name !== 'Fn::Equals')
      throw new UnknownFunction(`the condition ${JSON.stringify(rule)} is not known here`);
    const [left, right] = [0, 1].map((side) => textAt(this.resolve(at(argument, side) ?? null)));
    return left === right;
  }
}

function merged(below: Json, above: Json): Json {
  if (!isRecord(below) || !isRecord(above)) return above;
  const result: Record<string, Json> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = result[key];
    result[key] = under === undefined ? value : merged(under, value);
  }
  return result;
}
