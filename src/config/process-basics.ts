/** What a server's process needs to find its program; the rest of our environment is none of its business. */
export const processBasics = (): Record<string, string> =>
  Object.fromEntries(
    ["PATH", "HOME"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
