import { SINK_KINDS } from '../sinks/by-url.ts'

const EXAMPLES = SINK_KINDS.flatMap(([, { examples }]) => examples)
const width = Math.max(...EXAMPLES.map(([sink]) => sink.length))

/** For `--help`: laid out here, for yargs would break the lines inside of a URL. */
export const SINK_EXAMPLES = `Sinks:\n${EXAMPLES.map(([sink, what]) => `  --sink ${sink.padEnd(width)}  ${what}`).join('\n')}`
