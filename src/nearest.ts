/** The word that a misspelt one most likely stands for; null if none is near. */
export function nearest(word: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let least = 1 + Math.max(1, Math.floor(word.length / 3))
  for (const candidate of known) {
    const edits = editsBetween(word.toLowerCase(), candidate.toLowerCase())
    if (edits >= least) continue
    best = candidate
    least = edits
  }
  return best
}

/** ` (did you mean x?)`, or nothing: what stands behind a word that is refused. */
export function suggestion(word: string, known: Iterable<string>, shown = (name: string) => name): string {
  const near = nearest(word, known)
  return near === null ? '' : ` (did you mean ${shown(near)}?)`
}

/** How many letters are to be added, left out, replaced, or swapped with the next one (optimal string alignment). */
function editsBetween(one: string, other: string): number {
  let before: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1]
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      row[j] = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (isSame ? 0 : 1),
        isSwapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = last
    last = row
  }
  return last[other.length]!
}
