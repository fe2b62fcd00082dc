/**
 * Something that is made when it is first asked for. A zod schema costs a function on AWS up to a millisecond of every
 * cold start: those that a call seldom needs wait until then.
 */
export function atFirstUse<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
