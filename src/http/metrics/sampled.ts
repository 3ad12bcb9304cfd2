/** A metric whose values are read when somebody asks. */
export interface Sampled {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Values with those of the labels, in their order. Those with the same labels are added up. */
  read(): Iterable<Sample>
}

export type Sample = readonly [value: number, ...labels: string[]]

/** A metric without labels. */
export const single = (type: Sampled['type'], name: string, help: string, value: () => number): Sampled => ({
  ...{ type, name, help, labels: [] },
  read: () => [[value()]],
})

export const labelled = (
  type: Sampled['type'],
  name: string,
  labels: readonly string[],
  help: string,
  read: () => Iterable<Sample>,
): Sampled => ({ type, name, help, labels, read })
