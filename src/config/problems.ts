import { ConfigError } from "../domain/errors.ts";

/** Everything that is wrong with a config, so that the owner mends it in one go. */
export class ConfigProblems extends ConfigError {
  readonly file: string;
  /** One line each, with the place in the config and the mend. */
  readonly problems: readonly string[];

  constructor(code: string, file: string, problems: readonly string[]) {
    super(code, `${file}: ${problems.join("; ")}`);
    this.name = "ConfigError";
    this.file = file;
    this.problems = problems;
  }
}
