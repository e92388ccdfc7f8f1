/**
 * A fault that the user can mend: a wrong value in a file, a missing variable, a refused input. The CLI
 * prints message and fix and exits with 2. Any other error is a fault of ours and exits with 3.
 */
export class UserError extends Error {
  readonly fix: string;

  constructor(message: string, { fix, cause }: { fix: string; cause?: unknown }) {
    super(message, { cause });
    this.name = 'UserError';
    this.fix = fix;
  }

  /** Message and fix, as every way in tells them. */
  get told(): string {
    return `${this.message}\nTo mend it: ${this.fix}`;
  }
}
