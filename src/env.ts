/**
 * Environment variables, handed in by those who start a part: `process.env` is read in `src/commands/` alone. A part that gets none
 * takes them for unset. What libraries read themselves (the SDK of AWS, node-postgres) stays theirs.
 */
export type Env = Readonly<Record<string, string | undefined>>
