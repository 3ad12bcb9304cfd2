/** A JSON number by its text, so that no digit is lost. */
export class NumberText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Members = Readonly<Record<string, unknown>>

/** The envelope, every number a `NumberText`. */
export function parsed(json: string): Members {
  const reviver = (_: string, value: unknown, context: { source: string }): unknown =>
    typeof value === 'number' ? new NumberText(context.source) : value
  return JSON.parse(json, reviver as (key: string, value: unknown) => unknown)
}

export const textOf = (value: unknown): string => (value instanceof NumberText ? value.text : String(value))

/** Names that are expected or not, against those that are there. */
export function nameProblems(
  what: string,
  members: Members,
  required: readonly string[],
  allowed: readonly string[] = [],
) {
  const names = Object.keys(members)
  return [
    ...required.filter((name) => !names.includes(name)).map((name) => `${what} has no ${name}`),
    ...names
      .filter((name) => !required.includes(name) && !allowed.includes(name))
      .map((name) => `${what} should not have ${name}`),
  ]
}
