import { type TableName, tableLabel } from '../../../src/change.ts'
import type { SinkTarget } from '../../sinks/conformance/target.ts'
import { describeSink } from '../../sinks/conformance.ts'
import { memoryTarget } from './memory-sink.ts'

describeSink('memory', async () => openMemory())

function openMemory(): SinkTarget {
  const target = memoryTarget()
  return {
    sink: (mode) => target.sink({ mode }),
    async rows(table: TableName) {
      const rows = [...(target.tables.get(tableLabel(table)) ?? [])]
      return rows
        .filter(([, { data }]) => data !== null)
        .map(([key, { data, version }]) => ({
          key: Object.fromEntries(JSON.parse(key) as [string, string][]),
          data: data!,
          version,
        }))
    },
    log: async (table) => target.log.filter((json) => JSON.parse(json).table.name === table.name),
    deadLetters: async () => [...target.deadLetters],
    backup: async () => {
      const restore = target.backup()
      return async () => restore()
    },
    close: async () => {},
  }
}
