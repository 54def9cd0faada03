declare const brand: unique symbol;

/** A value that only its parser makes, so that having one proves it was checked. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Ends a switch over a union; a missing case is a type error at the call. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
