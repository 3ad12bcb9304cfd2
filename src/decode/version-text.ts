const SECOND_US = 1_000_000

/** Epoch seconds as text, of the second that was asked for last: neighbours are mostly of one. */
let lastSecond = -1
let lastText = ''

/** Epoch microseconds as decimal text. Faster than `String`, which takes numbers of this size for fractions. */
export function versionText(microseconds: number): string {
  const second = Math.floor(microseconds / SECOND_US)
  if (second < SECOND_US || second > MOST_SECONDS) return String(microseconds)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = String(second)
  }
  return lastText + String(SECOND_US + microseconds - second * SECOND_US).slice(1)
}

/** Beyond that, microseconds are no whole numbers any more. */
const MOST_SECONDS = Number.MAX_SAFE_INTEGER / SECOND_US - 1
