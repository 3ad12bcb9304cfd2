#!/usr/bin/env node
// Plain old JavaScript: any Node.js can read this file and say what is wrong.
// On Node.js 20 `JSON.parse` does not give the source text of numbers, so they would lose digits without a word.
var major = Number(process.versions.node.split('.')[0])
var asksForHelp = process.argv[2] === 'help' || /^(--help|-h|--version|-v)$/m.test(process.argv.slice(2).join('\n'))
if (major < 22 && !(asksForHelp && major >= 20)) {
  console.error(
    'cdc-relay needs Node.js 22 or later; this is Node.js ' + process.versions.node + ' (' + process.execPath + ').',
  )
  process.exit(2)
}
import('../program/cli.js').then((cli) => cli.main(process.argv.slice(2)))
