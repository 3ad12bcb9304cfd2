type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name

/** The options of the command line as members: `batch-wait` is `batchWait`. */
export type CamelKeys<T> = { [Name in keyof T as Name extends string ? Camel<Name> : Name]: T[Name] }

export function camelKeys<T extends object>(options: T): CamelKeys<T> {
  const camel = (name: string): string => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [camel(name), value])) as CamelKeys<T>
}
