/** What a program can take real time and real randomness from; globalThis is one. */
export interface RealWorld {
  Date: DateConstructor;
  readonly Math: { random: () => number };
}

/** The members that not every platform has, trapped where they are. */
const FUNCTIONS = ["setTimeout", "setInterval", "setImmediate"] as const;
const METHODS = [
  ["performance", "now"],
  ["process", "hrtime"],
  ["crypto", "getRandomValues"],
  ["crypto", "randomUUID"],
] as const;

/**
 * Makes real clocks, timers and randomness throw until the handle is disposed: in a simulation they would make two runs
 * differ. `new Date(value)`, `Date.UTC` and `Date.parse` stay, because they only compute.
 */
export function trapRealTime(target: RealWorld): Disposable {
  const undo: (() => void)[] = [];
  const replace = (owner: object, name: string, value: unknown): void => {
    const original = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    undo.push(() => {
      if (original === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, original);
    });
  };
  replace(target.Math, "random", trapped("Math.random"));
  replace(target, "Date", dateWithoutNow(target.Date));
  for (const name of FUNCTIONS) if (name in target) replace(target, name, trapped(name));
  for (const [owner, name] of METHODS) {
    const holder: unknown = Reflect.get(target, owner);
    if (typeof holder === "object" && holder !== null && name in holder) {
      replace(holder, name, trapped(`${owner}.${name}`));
    }
  }
  return {
    [Symbol.dispose]() {
      for (const restore of undo.splice(0)) restore();
    },
  };
}

function trapped(name: string): () => never {
  const refuse = (called: string) => (): never => {
    throw new Error(`${called} was called in a simulation: time and randomness come from the world`);
  };
  // For process.hrtime.bigint, the one function that has a function.
  return Object.assign(refuse(name), { bigint: refuse(`${name}.bigint`) });
}

function dateWithoutNow(real: DateConstructor): DateConstructor {
  return new Proxy(real, {
    construct(date, values: unknown[], newTarget) {
      if (values.length === 0) trapped("new Date()")();
      const made: object = Reflect.construct(date, values, newTarget);
      return made;
    },
    apply: trapped("Date()"),
    get: (date, name): unknown => (name === "now" ? trapped("Date.now") : Reflect.get(date, name)),
  });
}
