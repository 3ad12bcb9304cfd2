import type { Options } from 'yargs'

/**
 * Flags that are written twice, or with another value than true or false, as they are written: an array, or a text. Of the one yargs
 * makes the last value, and of the other false, without a word.
 *
 * @param args the command line
 */
export function writtenFlags(
  args: readonly string[],
  options: Readonly<Record<string, Options>>,
): Record<string, unknown> {
  const written: Record<string, unknown> = {}
  for (const [name, { type }] of Object.entries(options)) {
    if (type !== 'boolean') continue
    const [first, ...others] = args.filter((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))
    const value = first?.slice(`--${name}=`.length)
    if (others.length > 0) written[name] = [first, ...others]
    else if (value && value !== 'true' && value !== 'false') written[name] = value
  }
  return written
}
