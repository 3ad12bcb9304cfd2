import Table from 'cli-table3'
import { schemeOf } from '../server-url.ts'
import type { Finding, Verdict } from './finding.ts'
import type { Server } from './server.ts'

/** What came out of all checks. */
export interface Report {
  /** Holds the password: mask it before it is shown. */
  readonly url: string
  readonly server: Server
  readonly findings: readonly Finding[]
  /** What could not be removed, in words; null if nothing is left. */
  readonly leftBehind: string | null
}

/** For people. @param width columns of the terminal */
export function reportAsTable(report: Report, width = 120): string {
  const rest = Math.max(width, 80) - 8 - 6
  const widths = [8, ...[0.25, 0.2, 0.27, 0.28].map((share) => Math.floor(rest * share))]
  const table = new Table({
    head: ['id', 'what is done', 'expected', 'found', 'what it decides'],
    colWidths: widths,
    wordWrap: true,
    style: { head: [], border: [] },
  })
  for (const finding of report.findings) {
    const { id, what, expected, decides } = finding
    table.push([id, what, expected, foundText(finding), decides])
  }
  return `${head(report)}\n${table.toString()}\n${tail(report)}`
}

/** For logs: a line for each check. */
export function reportAsLines(report: Report): string {
  const lines = report.findings.map(
    ({ id, verdict, what, expected, found, decides }) =>
      `${id} · ${verdict} · ${what} · expected: ${expected} · found: ${found} · decides: ${decides}`,
  )
  return `${[head(report), ...lines].join('\n')}\n${tail(report)}`
}

/** For machines. */
export function reportAsJson({ url, server, findings, leftBehind }: Report): string {
  return `${JSON.stringify({ url, server: server.kind, version: server.version, summary: counts(findings), leftBehind, checks: findings })}\n`
}

function foundText({ verdict, found }: Finding): string {
  if (verdict === 'differs') return `DIFFERS: ${found}`
  return verdict === 'open' ? `open: found ${found}` : found
}

function head({ url, server: { kind, version } }: Report): string {
  const said = PROMISES.find(([scheme]) => schemeOf(url) === scheme)
  const surprise = said === undefined || said[1].test(kind) ? '' : ` (the URL says ${said[0]}:)`
  return `${kind} ${version} at ${url}${surprise}`
}

/** What a scheme speaks of. The others lead to any server. */
const PROMISES: readonly (readonly [scheme: string, kind: RegExp])[] = [
  ['crate', /^CrateDB/],
  ['greenplum', /^Greenplum|^Cloudberry/],
]

function tail({ findings, leftBehind }: Report): string {
  const differing = findings.filter(({ verdict }) => verdict === 'differs')
  const consequences = differing.map(({ id, found, consequence }) => `${id} differs: ${found}. ${consequence}`)
  const summary = Object.entries(counts(findings)).map(([verdict, count]) => `${count} ${verdict}`)
  return `${[...consequences, summary.join(' · '), ...(leftBehind === null ? [] : [leftBehind])].join('\n')}\n`
}

function counts(findings: readonly Finding[]): Record<Verdict, number> {
  const of = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length
  return {
    'as expected': of('as expected'),
    differs: of('differs'),
    open: of('open'),
    'not permitted': of('not permitted'),
  }
}
