import type { Catalogue, MadeTable } from './catalogue.ts'
import type { Statement } from './database.ts'
import type { Relation } from './relation.ts'

export interface PreviewCatalogue<R extends Relation> {
  /** What is to be made in it counts as made, and nothing is. */
  readonly catalogue: Catalogue<R>
  /** What would have been run since the last call, in its order. */
  take(): readonly Statement[]
}

/** @param looked where tables are looked at */
export function previewCatalogue<R extends Relation>(looked: Catalogue<R>): PreviewCatalogue<R> {
  const { imagine, grantsOn } = looked
  if (imagine === undefined) throw new Error('the target cannot tell what a table would be')
  const made = new Map<string, R>()
  const schemas = new Set<string>()
  let statements: Statement[] = []
  const nameOf = (schema: string, name: string): string => JSON.stringify([schema, name])

  const look: Catalogue<R>['look'] = async (schema, name) =>
    made.get(nameOf(schema, name)) ?? (await looked.look(schema, name))
  const lacksSchema: Catalogue<R>['lacksSchema'] = async (schema) =>
    !schemas.has(schema) && (await looked.lacksSchema(schema))
  async function run(more: readonly Statement[], table?: MadeTable): Promise<void> {
    statements.push(...more)
    if (table === undefined) return
    const { schema, name } = table.target
    schemas.add(schema)
    made.set(nameOf(schema, name), await imagine!(await look(schema, name), table))
  }
  return {
    catalogue: {
      ...looked,
      isPreview: true,
      look,
      work: (doing) => doing({ look, lacksSchema, ...(grantsOn && { grantsOn }), run, remember: async () => {} }),
    },
    take() {
      const taken = statements
      statements = []
      return taken
    },
  }
}
