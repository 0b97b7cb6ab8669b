import { nearestOf } from "../config/issues.ts";
import { ConfigError } from "../domain/errors.ts";

/**
 * Names on the command line as checks: a check by its full name, or all checks of a skill.
 * @param names null for all
 * @throws ConfigError that names the nearest known name.
 */
export function resolveNames(
  names: readonly string[] | null,
  checks: readonly { readonly name: string; readonly skill: string }[],
): string[] {
  if (names === null) return checks.map(({ name }) => name);
  const known = [...new Set(checks.flatMap(({ name, skill }) => [skill, name]))];
  const resolved = names.flatMap((wanted) => {
    const found = checks.filter(({ name, skill }) => name === wanted || skill === wanted);
    if (found.length > 0) return found.map(({ name }) => name);
    const nearest = nearestOf(wanted, known);
    throw new ConfigError("CHECK_UNKNOWN", `there is no check or skill "${wanted}"`, {
      hint: nearest ? `Did you mean "${nearest}"?` : `Known are ${known.join(", ") || "none"}`,
    });
  });
  return [...new Set(resolved)];
}
