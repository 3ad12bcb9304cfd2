import { isDeepStrictEqual } from 'node:util'
import type { Batch, Facts, SourceTable, Stored, Unclaimed } from '../../batch.ts'
import { compareDecimal, type DeadLetter } from '../../change.ts'
import type { Database } from '../tables/database.ts'
import type { Marks, SharedState } from './shared-state.ts'
import type { SqlState } from './state.ts'

/** What the writing of a batch needs of a relay's state. */
export interface BatchState
  extends Pick<
    SqlState,
    'name' | 'stored' | 'rewinds' | 'keepLock' | 'requireName' | 'moveWithin' | 'moved' | 'settle' | 'close'
  > {
  /**
   * For a name that nobody claims: compares what is known of the tables with what the name's processes remember.
   * @throws Outdated where another one changed it; RelayError STATE_REMOVED
   */
  look?(to: Database, sources: readonly string[]): Promise<void>
  /**
   * Of a replay, instead of new letters and positions, last in a batch's transaction: lets the letters of the batch go, but those that
   * failed again. False if one of them was not there any more: then roll back and `settle`.
   */
  settleLetters?(to: Database, batch: Batch, failed: readonly DeadLetter[]): Promise<boolean>
}

/** Another process of the name learned something of the tables of a batch: it is to be planned again, from what is known then. */
export class Outdated extends Error {
  readonly marks: Marks

  constructor(marks: Marks) {
    super('another process changed what is known of the tables')
    this.marks = marks
  }
}

export interface UnclaimedState extends BatchState {
  /** What is known of the name: the same object of facts until others learned some. */
  stored(): Stored
  /** Reads what the others learned. */
  catchUp(outdated: Outdated): Promise<void>
  readFacts(): Promise<Facts>
  /** The facts of the name, once for each time that others learned some. */
  newFacts(): Facts | null
  /** The batch with the floors that any process of the name has learned. */
  withFloors(batch: Batch): Batch
}

/**
 * The state of one of any number of processes of a name, none of which holds it.
 * @param facts what it was opened with
 * @param looks false for a log, whose rows are the same whatever is known of their tables
 */
export function unclaimedState(
  shared: Omit<SharedState, 'join'>,
  opening: Pick<Unclaimed, 'factRules'> & { readonly relay: { readonly name: string } },
  facts: Facts,
  looks: boolean,
): UnclaimedState {
  const { name } = opening.relay
  let known = facts
  let isNews = false
  let factsMark: string | null = null
  const tableMarks = new Map<string, string | undefined>()

  async function readAgain(): Promise<void> {
    const now = await shared.readFacts()
    if (isDeepStrictEqual(now, known)) return
    isNews = true
    known = now
  }

  return {
    name: () => name,
    stored: () => ({ positions: new Map(), facts: known }),
    rewinds: () => 0,
    keepLock: async () => {},
    requireName: (to) => shared.requireName(to),

    async look(to, sources) {
      if (!looks) return await shared.requireName(to)
      const marks = await shared.marks(to, sources)
      const isKnown = sources.every((source) => tableMarks.get(source) === marks.tables.get(source))
      if (!isKnown || marks.facts !== factsMark) throw new Outdated(marks)
    },

    async catchUp({ marks }) {
      await readAgain()
      factsMark = marks.facts
      for (const [source, mark] of marks.tables) tableMarks.set(source, mark)
    },

    async readFacts() {
      await readAgain()
      isNews = false
      return known
    },

    newFacts() {
      if (!isNews) return null
      isNews = false
      return known
    },

    withFloors(batch) {
      const floors = opening.factRules.floors(known)
      if (floors.size === 0) return batch
      return {
        ...batch,
        tables: new Map(Array.from(batch.tables, ([label, table]) => [label, raised(table, floors.get(label))])),
      }
    },

    async moveWithin(to, { positions, forgotten, facts }) {
      if (positions.size > 0 || forgotten.length > 0) throw new Error('a batch under an engine has no positions')
      if (facts.size > 0) await shared.mergeFacts(to, facts)
      return true
    },
    moved: () => {},
    settle: async () => {
      throw new Error('without positions there is nothing that could not move')
    },
    close: async () => {},
  }
}

/** The same object if its floor is as high. */
function raised(table: SourceTable, floor: string | undefined): SourceTable {
  const isHigher = floor !== undefined && (table.floor === null || compareDecimal(floor, table.floor) > 0)
  return isHigher ? { ...table, floor } : table
}
