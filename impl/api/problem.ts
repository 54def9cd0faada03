/** Something in an object that cannot be used. */
export interface Problem {
  /** `IPAddressPool metallb-system/first`. */
  readonly object: string;
  /** Path of the field: `spec.addresses[1]`; empty for the object itself. */
  readonly path: string;
  /** What is wrong, in the words that a status, an event or a webhook answer prints. */
  readonly message: string;
  /**
   * True where another object may still arrive and make it right (a secret, a community alias, a BFD profile): such a
   * problem is reported at load time and never by a webhook.
   */
  readonly transient: boolean;
}
