import type { CollectionTag, ScalarTag, YAMLSeq } from 'yaml';
import { parse, YAMLMap } from 'yaml';
import type { Json } from './json.ts';

const FUNCTIONS = [
  'Ref',
  'Condition',
  'Sub',
  'GetAtt',
  'If',
  'Join',
  'Split',
  'Select',
  'Equals',
  'Not',
  'And',
  'Or',
  'GetAZs',
  'FindInMap',
  'Base64',
];

/** A template's YAML with its short forms (`!Ref x`) written out (`{Ref: x}`). @throws YAML's own errors */
export function readTemplate(text: string): Json {
  return parse(text, { customTags: FUNCTIONS.flatMap(tagsOf), merge: false, maxAliasCount: 1000 });
}

function tagsOf(name: string): (ScalarTag | CollectionTag)[] {
  const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  const written = (value: YAMLSeq | YAMLMap) => {
    const map = new YAMLMap();
    map.set(key, value);
    return map;
  };
  return [
    {
      tag: `!${name}`,
      resolve: (value: string) => ({ [key]: name === 'GetAtt' ? attribute(value) : value }),
    },
    { tag: `!${name}`, collection: 'seq', resolve: (value) => written(value) },
    { tag: `!${name}`, collection: 'map', resolve: (value) => written(value) },
  ];
}

function attribute(value: string): string[] {
  const dot = value.indexOf('.');
  return [value.slice(0, dot), value.slice(dot + 1)];
}
