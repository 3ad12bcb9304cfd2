/** One for each kind of sink, as it is typed. */
const EXAMPLES: readonly (readonly [sink: string, what: string])[] = [
  ['postgresql://app@db/warehouse', 'PostgreSQL'],
  ['greenplum://app@coordinator/warehouse', 'Greenplum 6 and 7, Cloudberry'],
  ["'gpss://app@gpss/warehouse?greenplum-host=coordinator'", 'Greenplum by its Streaming Server'],
  ["'crate://app@crate:5432/doc?sslmode=verify-full'", 'CrateDB'],
  ['pglite:./data', 'an embedded PostgreSQL'],
  ['jsonl:changes.jsonl', 'a file, one change a line'],
  ['jsonl:-', 'standard output'],
]

const width = Math.max(...EXAMPLES.map(([sink]) => sink.length))

/** For `--help`: laid out here, for yargs would break the lines inside of a URL. */
export const SINK_EXAMPLES = `Sinks:\n${EXAMPLES.map(([sink, what]) => `  --sink ${sink.padEnd(width)}  ${what}`).join('\n')}`
