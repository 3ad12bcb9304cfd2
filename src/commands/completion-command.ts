import type { Command } from './command.ts'

/** @param commands all that can be completed, this one included */
export const completionOf = (commands: () => readonly Command[]): Command => ({
  name: 'completion',
  about: 'Print what lets a shell complete commands, options and values',
  usage: 'completion bash|zsh|fish',
  words: ['bash', 'zsh', 'fish'],
  options: {},
  examples: [
    ['completion bash > /etc/bash_completion.d/cdc-relay', 'or `source <(cdc-relay completion bash)` in ~/.bashrc'],
    ['completion zsh > ~/.zfunc/_cdc-relay', 'in a folder of $fpath; then start a new shell'],
    ['completion fish > ~/.config/fish/completions/cdc-relay.fish', ''],
  ],
  epilogue:
    'What is printed asks nothing of the program later: print it again after an update.\nExit codes: 0 · 2 usage',
  async run(argv) {
    const { completion } = await import('./completion.ts')
    return await completion(argv, commands())
  },
})
