import { spawnSync } from 'child_process';

/** The languages that artifacts are packed for. */
export const LANGUAGES = ['typescript', 'python', 'java', 'go'] as const;
export type Language = typeof LANGUAGES[number];

/** What each language needs: a command that answers when it is there, and how to get it. */
const NEEDS: Record<Language, { readonly probe: string[]; readonly remedy: string }[]> = {
  typescript: [{ probe: ['npm', '--version'], remedy: 'install Node.js 20.16 or newer' }],
  python: [{ probe: ['python3', '-c', 'import venv, ensurepip'], remedy: 'install Python 3.10 or newer with venv, such as with `apt install python3 python3-venv`' }],
  java: [
    { probe: ['javac', '--version'], remedy: 'install a JDK from 17 on, such as with `apt install openjdk-17-jdk-headless`' },
    { probe: ['mvn', '--version'], remedy: 'install Maven, such as with `apt install maven`' },
  ],
  go: [{ probe: ['go', 'version'], remedy: 'install Go 1.25 or newer' }],
};

/** What is missing for a language, each with what to do about it; empty when nothing is. */
export function missing(language: Language): string[] {
  return NEEDS[language]
    .filter(({ probe: [command, ...args] }) => spawnSync(command, args).status !== 0)
    .map(({ probe, remedy }) => `${language} needs \`${probe.join(' ')}\` to work: ${remedy}`);
}
