/** The package comes without types; this is what our tests use of it. It writes into the definition it is given. */
declare module 'asl-validator' {
  export default function aslValidator(definition: object): {
    isValid: boolean;
    errorsText: (separator?: string) => string;
  };
}
