import { type Position, readFrom } from '../../position.ts'
import { plainTable } from '../status-text.ts'
import type { PlannedMove } from './plan.ts'
import type { Repeats } from './repeats.ts'

/** What will happen, for people. */
export function planText(name: string, plan: readonly PlannedMove[], repeats: Repeats): string {
  if (plan.length === 0) return `${name}: nothing to move, the positions are there already.\n`
  const table = plainTable(['shard', 'stands', 'will stand', 'and'])
  for (const { shard, from, to, effect } of plan) table.push([shard, placeText(from), placeText(to), effect])
  const effects = new Set(plan.map(({ effect }) => effect))
  const isRead = effects.has('reads again') || effects.has('begins again') || effects.has('reads again or skips')
  const isSkipped = effects.has('skips') || effects.has('reads again or skips')
  return [
    `${name}: ${plan.length === 1 ? '1 position moves' : `${plan.length} positions move`}.`,
    table.toString(),
    ...(isRead ? [`${repeats.areHarmless === true ? 'Harmless' : 'MIND'}: ${repeats.why}.`] : []),
    ...(isSkipped ? [`MIND: ${SKIPPED}.`] : []),
    '',
  ].join('\n')
}

const SKIPPED = 'what is skipped is never read, and the target lacks it'

/** Where a shard stands, in words. */
function placeText(position: Position | null): string {
  const place = readFrom(position ?? undefined)
  if (position === null) return 'nowhere'
  if (place.kind === 'start') return 'at its oldest record'
  if (place.kind === 'end') return 'at its end'
  if (place.kind === 'time') return `at ${new Date(place.ms).toISOString()}`
  const { arrivedAt } = position
  return `behind ${place.sequence}${arrivedAt === null ? '' : ` of ${new Date(arrivedAt).toISOString()}`}`
}
