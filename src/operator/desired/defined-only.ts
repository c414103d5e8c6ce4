// What is not said is not rendered.

type DefinedOnly<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/** Without members that are undefined, empty objects or empty lists. */
export function definedOnly<T extends object>(value: T): DefinedOnly<T> {
  const members = Object.entries(value).filter(([, member]) => member !== undefined && !isEmpty(member));
  return Object.fromEntries(members) as DefinedOnly<T>;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
