import type { FactRules } from '../../batch.ts'
import { compareDecimal } from '../../change.ts'
import { factsFromJson, factsToJson, isWiderType, labelOf, type SourceFacts } from './source-facts.ts'

/**
 * How processes of one name put together what each of them learned of the tables of a DMS feed. The younger `create-table`
 * says key and types; columns are only added and widened, for no target takes one away.
 */
export const DMS_FACT_RULES: FactRules = {
  merge(subject, one, other) {
    if (one === other || labelOf(subject) === null) return one
    return factsToJson(mergeFacts(factsFromJson(subject, one), factsFromJson(subject, other)))
  },
  floors(facts) {
    const floors = new Map<string, string>()
    for (const [subject, json] of facts) {
      const label = labelOf(subject)
      const floor = label === null ? null : factsFromJson(subject, json).floor
      if (label !== null && floor !== null) floors.set(label, floor)
    }
    return floors
  },
}

export function mergeFacts(one: SourceFacts, other: SourceFacts): SourceFacts {
  const [first, second] = isFirst(one, other) ? [one, other] : [other, one]
  // What an alteration widened behind one definition, not every process has seen.
  const isSameDefinition = one.version === other.version
  const added = [...second.columns].filter(([column, type]) => {
    const known = first.columns.get(column)
    return known === undefined || (isSameDefinition && isWiderType(known, type))
  })
  return {
    key: first.key ?? second.key,
    columns: added.length === 0 ? first.columns : new Map([...first.columns, ...added]),
    floor: later(one.floor, other.floor),
    version: first.version,
  }
}

/** Which of two counts where they differ: the later definition; else the one that says more; else either, but always the same. */
function isFirst(one: SourceFacts, other: SourceFacts): boolean {
  if (one.version !== other.version) return later(one.version, other.version) === one.version
  if (one.columns.size !== other.columns.size) return one.columns.size > other.columns.size
  return textOf(one) >= textOf(other)
}

const textOf = ({ key, columns }: SourceFacts): string => JSON.stringify([[...columns], key])

const later = (one: string | null, other: string | null): string | null =>
  one === null || (other !== null && compareDecimal(other, one) > 0) ? other : one
