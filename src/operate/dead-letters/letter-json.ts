import type { KeptLetter, LetterStanding, WholeLetter } from '../../sinks/letter-store.ts'

/** So much of a long id is shown, and enough to name it. */
const SHOWN_DIGITS = 12

/** As it is shown, and typed. */
export const shownId = (id: string): string => id.slice(0, SHOWN_DIGITS)

/** A letter as one line of JSON, without any value of its row. */
export const keptJson = (letter: KeptLetter, standing: LetterStanding): string =>
  JSON.stringify({ ...kept(letter), standing })

/**
 * The same with its values: the change record as it is, every number with all its digits; or the record in base64, and as text where
 * it is one.
 */
export function wholeJson(letter: WholeLetter): string {
  const { raw, change } = letter
  const head = JSON.stringify({ ...kept(letter), ...(raw !== null && rawOf(raw)) })
  return change === null ? head : `${head.slice(0, -1)},"change":${change}}`
}

function kept({ id, recordedAt, code, detail, table, version, source, attempts, triedAt }: KeptLetter) {
  return { id: shownId(id), recordedAt, code, detail, table, version, source, attempts, triedAt }
}

function rawOf(raw: Uint8Array): { readonly raw: string; readonly text?: string } {
  const bytes = Buffer.from(raw)
  const text = bytes.toString('utf8')
  return { raw: bytes.toString('base64'), ...(Buffer.from(text).equals(bytes) && { text }) }
}
