import { type Change, newRow, toJson, type Value } from '../../change.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import type { Images } from './images.ts'
import { type Key, newValue } from './mirror.ts'
import { type ValuesAside, whyNoRoom } from './set-aside.ts'

/** The table whose images are merged. */
export interface Merging extends Pick<Images, 'eachValue' | 'whyAside'> {
  readonly table: ColumnsTable
  readonly byAttribute: ReadonlyMap<string, TargetColumn>
}

interface Piece {
  readonly change: Change
  /** By name what the columns cannot hold. */
  extra: Record<string, Value> | null
}

/**
 * A row that is merged from the images of one key: pieces, oldest first, each with its version. Its members: `pv` holds the
 * versions, `p` for each column the number of the piece that gives its value (0 for none), `e` for each piece what its
 * columns cannot hold, `b` the number of the piece that leaves nothing of what was before, `n` names that leave the column
 * `cdc_extra`.
 */
export class MergedImages {
  readonly #merging: Merging
  readonly #hasBase: boolean
  readonly #tokens: (string | undefined)[] = []
  readonly #pieceOf: number[]
  readonly #pieces: Piece[] = []
  readonly #emptied: string[] = []

  /** @param hasBase true if the first image is of a whole row, or a delete */
  constructor(merging: Merging, hasBase: boolean) {
    this.#merging = merging
    this.#hasBase = hasBase
    this.#pieceOf = new Array(merging.table.values.length).fill(0)
  }

  /** False if the table lacks a column. */
  add(change: Change, isDelete: boolean): boolean {
    const piece: Piece = { change, extra: null }
    const number = this.#pieces.push(piece)
    if (number === 1 && this.#hasBase) this.#pieceOf.fill(1)
    if (isDelete) return true
    for (const name of change.unread?.row?.names ?? Object.keys(change.after!)) this.#replace(name, number)
    return this.#merging.eachValue(
      change,
      ({ index }, token) => {
        this.#tokens[index] = token
      },
      (name, value) => {
        piece.extra ??= newRow()
        piece.extra[name] = value
      },
    )
  }

  /** What earlier pieces said about the attribute counts no more. */
  #replace(name: string, number: number): void {
    const { table, byAttribute } = this.#merging
    for (const { extra } of this.#pieces) if (extra !== null) delete extra[name]
    const column = byAttribute.get(name)
    if (column !== undefined) {
      this.#pieceOf[column.index] = number
      this.#tokens[column.index] = undefined
    } else if (!table.keys.some(({ attribute }) => attribute === name)) this.#emptied.push(name)
  }

  /** @param aside takes the values that go to `cdc_extra` */
  members(key: Key, aside: ValuesAside): string {
    for (const { change, extra } of this.#pieces) {
      for (const name in extra) aside.add(change, name, this.#merging.whyAside(name))
    }
    this.#moveOut(key, aside)
    const extras = this.#pieces.map(({ extra }) => extra)
    let members = valueMembers(this.#tokens)
    if (extras.some((extra) => extra !== null)) members += `,"e":[${extras.map((extra) => toJson(extra ?? {}))}]`
    if (this.#emptied.length > 0) members += `,"n":${JSON.stringify(this.#emptied)}`
    if (this.#hasBase) members += `,"b":1`
    const versions = this.#pieces.map(({ change }) => change.version)
    return `${members},"p":[${this.#pieceOf.join(',')}],"pv":[${versions.join(',')}]`
  }

  /**
   * Moves values for which the page has no room to `cdc_extra`. From partial images alone it is unknown what else the row
   * has: the server refuses the row if that is too much.
   */
  #moveOut(key: Key, aside: ValuesAside): void {
    const { room, values } = this.#merging.table
    if (!this.#hasBase || room === null) return
    for (const index of room.withoutRoom(key.tokens, this.#tokens)) {
      const column = values[index]!
      const piece = this.#pieces[this.#pieceOf[index]! - 1]!
      piece.extra ??= newRow()
      piece.extra[column.attribute] = newValue(piece.change, column.attribute)!
      this.#tokens[index] = undefined
      aside.add(piece.change, column.attribute, whyNoRoom(column))
    }
  }
}

/** `,"c0":…,"c1":…` */
export function valueMembers(tokens: readonly (string | undefined)[]): string {
  let members = ''
  for (let i = 0; i < tokens.length; i++) if (tokens[i] !== undefined) members += `,"c${i}":${tokens[i]}`
  return members
}
