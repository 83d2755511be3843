/** What an example has besides its stack. Its name is that of the stack, of this folder's SQL, and of the page. @module */

export interface Example {
  /** What the first chapter is called. */
  readonly title: string;
  /** Variables that make the stack a rehearsal, with `sandbox:` addresses in the project's folder. */
  readonly rehearsal: Readonly<Record<string, string>>;
  /** Variables that take their place for the real accounts. */
  readonly real: readonly string[];
  /** Fills the CRM; the warehouse's SQL is there already. Says what there is, a line each. */
  prepare(directory: string): Promise<readonly string[]>;
  /** The warehouse moves, and people work in the CRM. Says what happened, a line each. */
  move(directory: string): Promise<readonly string[]>;
  /** What is worth a look afterwards: a command and what it shows. */
  readonly look: readonly (readonly [command: string, shows: string])[];
}
