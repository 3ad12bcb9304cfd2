import { chart, linesOf, said } from './charts.js'
import { fillList, fillTable, fillTerms, fillText } from './rows.js'
import { clock, duration, number } from './words.js'

const byId = (id) => document.getElementById(id)

const charts = [
  { name: 'rate', words: number },
  { name: 'lag', words: duration },
  { name: 'batch', words: duration },
].map(({ name, words }) => ({ name, words, chart: chart(byId(name), words), text: byId(`${name}-said`) }))

let points = []
let pointEveryMs = 5000
/** What was committed, and when: the rate of now is that of the last seconds. */
let samples = []

function showCharts() {
  const { times, ...lines } = linesOf(points)
  for (const { name, words, chart: drawn, text } of charts) {
    drawn.show(times, lines[name])
    fillText(text, said(lines[name], words, name === 'batch'))
  }
}

function rateOf({ now, counts }) {
  samples = [
    ...samples.filter(({ at, read }) => at > now - 6000 && read <= counts.read),
    { at: now, read: counts.read },
  ]
  const [first] = samples
  return first.at === now ? 0 : ((counts.read - first.read) * 1000) / (now - first.at)
}

function showState(state) {
  const { relay, version, checks, counts, lagMs, retentionMs, now, settings } = state
  const failing = checks.filter(({ isOk }) => !isOk)
  document.title = `${failing.length === 0 ? '' : '⚠ '}${relay} · cdc-relay`
  fillText(byId('relay'), relay)
  fillText(byId('about'), `cdc-relay ${version}: ${settings.source} → ${settings.sink}`)
  standing(
    failing.length === 0 ? 'ready' : 'unready',
    failing.length === 0 ? 'works' : `not well: ${failing.map(({ name }) => name).join(', ')}`,
  )

  const parkedTables = state.tables.filter((table) => table.parked !== null)
  const troubles = [
    ...failing.map(({ name, detail }) => `${name}: ${detail}`),
    ...parkedTables.map(
      ({ table }) => `Table ${table} is parked: none of what comes for it is written until it is mended`,
    ),
    ...state.standing.filter((text) => !parkedTables.some(({ table }) => text.startsWith(`Table ${table} is parked`))),
  ]
  byId('trouble').hidden = troubles.length === 0
  fillList(
    byId('trouble-list'),
    troubles.map((text) => ({ text })),
  )

  const isHalf = retentionMs !== null && lagMs > retentionMs / 2
  fillTerms(
    byId('numbers'),
    [
      { term: 'Changes per second', text: number(rateOf(state)) },
      { term: 'Lag', text: lagMs < 1000 ? 'none' : duration(lagMs / 1000), is: isHalf ? 'bad' : '' },
      { term: 'Read and committed', text: number(counts.read) },
      { term: 'Applied', text: number(counts.applied) },
      { term: 'Superseded', text: number(counts.superseded) },
      { term: 'Skipped', text: number(counts.skipped) },
      { term: 'Dead-lettered', text: number(counts.deadLettered), is: counts.deadLettered > 0 ? 'warn' : '' },
      { term: 'Parked tables', text: number(parkedTables.length), is: parkedTables.length > 0 ? 'bad' : '' },
    ],
    true,
  )
  showTables(state)
  showLetters(state)
  showShards(state)
  fillList(
    byId('warnings'),
    state.warnings.length === 0
      ? [{ text: 'None since the start.' }]
      : state.warnings.map(({ at, level, code, message, help, count }) => ({
          text: [
            `${clock(at)}${count > 1 ? `, ${count} times` : ''}${message.includes(code) ? '' : `, ${code}`}`,
            message,
            ...(help === null ? [] : [help]),
          ].join('\n'),
          is: level,
        })),
  )
  fillTerms(
    byId('settings'),
    Object.entries(settings).map(([term, text]) => ({ term, text })),
    false,
  )
  byId('main').dataset.now = String(now)
}

function showTables({ tables }) {
  fillTable(
    byId('tables'),
    [
      { title: 'Table' },
      { title: 'Target' },
      { title: 'Applied', kind: 'number' },
      { title: 'Superseded', kind: 'number' },
      { title: 'Set aside', kind: 'number' },
      { title: 'Dead letters', kind: 'number' },
      { title: 'Parked' },
    ],
    tables.map(({ table, target, applied, superseded, setAside, deadLettered, parked }) => [
      table,
      target ?? '',
      number(applied),
      number(superseded),
      number(setAside),
      number(deadLettered),
      parked === null ? '' : { text: `parked: ${number(parked)} kept`, is: 'bad' },
    ]),
    'No change was written yet.',
  )
}

function showLetters({ kept, letters }) {
  const where = kept?.keptIn ?? null
  const counted = kept?.count ?? null
  fillText(
    byId('kept'),
    counted === null
      ? 'How many are kept is not known.'
      : `${number(counted)} were kept in ${where} when they were counted last, which is done twice a minute. cdc-relay dead-letters lists, shows and replays them.`,
  )
  fillTable(
    byId('kinds'),
    [{ title: 'Code', kind: 'code' }, { title: 'Table' }, { title: 'Kept', kind: 'number' }],
    (kept?.kinds ?? []).map(({ code, source, count }) => [code, source ?? '(not readable)', number(count)]),
    'None is kept.',
  )
  fillTable(
    byId('letters'),
    [
      { title: 'Code', kind: 'code' },
      { title: 'Table' },
      { title: 'Reason', kind: 'words' },
      { title: 'Shard', kind: 'code' },
      { title: 'Sequence number', kind: 'code' },
      { title: 'When' },
    ],
    letters.map(({ code, table, detail, shard, sequence, at }) => [
      code,
      table ?? '(not readable)',
      detail,
      shard,
      sequence,
      clock(at),
    ]),
    'None came since the start.',
  )
}

function showShards({ shards }) {
  fillTable(
    byId('shards'),
    [
      { title: 'Shard', kind: 'code' },
      { title: 'From', kind: 'code' },
      { title: 'Standing' },
      { title: 'Lag', kind: 'number' },
      { title: 'Written up to' },
      { title: 'Sequence number', kind: 'code' },
    ],
    shards.map(({ shard, parents, standing: stands, lagMs, upTo, sequence }) => [
      shard,
      parents === null ? '' : parents.length === 0 ? 'none' : parents.join(', '),
      stands,
      lagMs === null ? '' : lagMs < 1000 ? 'none' : duration(Math.round(lagMs / 1000)),
      upTo === null ? '' : clock(Date.parse(upTo)),
      sequence,
    ]),
    'No shard is known yet.',
  )
}

function standing(is, text) {
  const badge = byId('standing')
  badge.dataset.is = is
  fillText(badge, text)
}

const events = new EventSource('/events')
events.addEventListener('first', ({ data }) => {
  ;({ points, pointEveryMs } = JSON.parse(data))
  samples = []
  showCharts()
})
events.addEventListener('point', ({ data }) => {
  points = [...points, JSON.parse(data)].slice(-3_600_000 / pointEveryMs)
  showCharts()
})
events.addEventListener('state', ({ data }) => showState(JSON.parse(data)))
events.addEventListener('error', () => standing('unknown', 'connection lost: trying again'))
