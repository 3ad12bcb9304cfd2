import type { SinkSettings, SinkSurroundings } from './entry.ts'
import type { TargetRules } from './tables/rules.ts'

/** What the operator says about tables, for a sink that writes some. */
export function rulesOf(settings: SinkSettings, surroundings: SinkSurroundings): TargetRules {
  const { routes, declaredTypes, log } = surroundings
  const { mode, layout = null, createTables, onSchemaChange, onReload, onError } = settings
  return { mode, layout, createTables, onSchemaChange, onReload, onError, routes, declaredTypes, log }
}
