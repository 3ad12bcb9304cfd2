import uPlot from '/uplot.js'

const HEIGHT = 190
/** The charts show an hour. */
const MOST_SECONDS = 3600
const LEAST_SECONDS = 60

const clockOf = (seconds) => new Date(seconds * 1000).toLocaleTimeString(undefined, { timeStyle: 'medium' })

const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/**
 * A chart over time that follows its width and the theme.
 * @param {HTMLElement} place
 * @param {(value: number) => string} words of a value
 */
export function chart(place, words) {
  let plot
  let shown = { names: [], data: [[]] }

  function make() {
    plot?.destroy()
    const { names, data } = shown
    const axis = { stroke: styleOf('--muted'), grid: { stroke: styleOf('--line'), width: 1 }, ticks: { show: false } }
    /** A minute at least. */
    const span = () => {
      const newest = shown.data[0].at(-1) ?? Date.now() / 1000
      const oldest = shown.data[0][0] ?? newest
      return [Math.max(Math.min(oldest, newest - LEAST_SECONDS), newest - MOST_SECONDS), newest]
    }
    plot = new uPlot(
      {
        width: Math.max(200, place.clientWidth),
        height: HEIGHT,
        // The last time of the axis is not cut.
        padding: [null, 36, null, null],
        scales: {
          x: { range: () => span() },
          y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          { ...axis, space: 90, values: (_, times) => times.map(clockOf) },
          { ...axis, size: 64, values: (_, values) => values.map(words) },
        ],
        cursor: { drag: { x: false, y: false } },
        series: [
          {},
          ...names.map((label, i) => ({
            label,
            stroke: styleOf(`--c${i % 8}`),
            dash: i < 8 ? [] : [6, 4],
            width: 2,
            points: { show: data[0].length < 2 },
            spanGaps: true,
            value: (_, value) => (value === null || value === undefined ? '' : words(value)),
          })),
        ],
      },
      data,
      place,
    )
  }

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', make)
  new ResizeObserver(() => plot?.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT })).observe(place)

  return {
    /** @param {readonly number[]} times Unix, seconds @param {ReadonlyMap<string, readonly (number | null)[]>} lines name → values */
    show(times, lines) {
      const names = [...lines.keys()]
      const isSame = names.join('\n') === shown.names.join('\n') && shown.data[0].length > 1
      shown = { names, data: [times, ...lines.values()] }
      if (plot === undefined || !isSame) make()
      else plot.setData(shown.data)
    },
  }
}

/** The lines of the three charts. @param points of the history */
export function linesOf(points) {
  const of = (read) => points.map((point) => read(point) ?? null)
  const shards = [...new Set(points.flatMap(({ lag }) => Object.keys(lag)))].sort()
  return {
    times: points.map(({ at }) => at / 1000),
    rate: new Map([
      ['applied', of(({ perSecond }) => perSecond.applied)],
      ['superseded', of(({ perSecond }) => perSecond.superseded)],
      ['skipped', of(({ perSecond }) => perSecond.skipped)],
      ['dead-lettered', of(({ perSecond }) => perSecond.deadLettered)],
    ]),
    lag: new Map(shards.map((shard) => [shortOf(shard), of(({ lag }) => lag[shard])])),
    batch: new Map(['wait', 'prepare', 'write', 'commit'].map((phase) => [phase, of(({ batch }) => batch[phase])])),
  }
}

/** `shardId-000000000012` → `shard 12`, which is what tells one from another. */
const shortOf = (shard) => shard.replace(/^shardId-0*(?=\d)/, 'shard ')

/**
 * What a chart shows, in words: what each line has now.
 * @param {ReadonlyMap<string, readonly (number | null)[]>} lines
 * @param {boolean} isRare whether a line has a value only now and then: then its last one
 */
export function said(lines, words, isRare) {
  const last = [...lines].flatMap(([name, values]) => {
    const value = isRare ? values.findLast((one) => one !== null) : values.at(-1)
    return value === undefined || value === null ? [] : [`${name}: ${words(value)}`]
  })
  return last.length === 0 ? 'Nothing yet' : `Now ${last.slice(0, 6).join(', ')}${last.length > 6 ? ', …' : ''}`
}
