import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { transform } from "esbuild";

const require = createRequire(import.meta.url);

/** What keeps the bundle from costing a daemon memory that it has no use for. */

/**
 * An `import` of one of Node's own modules reads everything that it exports, and behind some names stands a library
 * that is loaded when it is first looked at: `node:http` brings the whole of fetch, `node:crypto` Web Crypto, `node:tls`
 * the root certificates. Here these names are left out: importing one of them fails the build.
 * @type {import("esbuild").Plugin}
 */
export const builtinsByNeed = {
  name: "builtins-by-need",
  setup(build) {
    build.onResolve({ filter: /^(?:node:)?(?:crypto|http|tls)$/ }, ({ path, kind }) =>
      kind === "require-call"
        ? undefined
        : { path: path.replace("node:", ""), namespace: "builtin" },
    );
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const names = Object.entries(Object.getOwnPropertyDescriptors(require(`node:${path}`)))
        .filter(([, { get }]) => get === undefined)
        .map(([name]) => name);
      return {
        contents: `const builtin = process.getBuiltinModule("node:${path}");
          export default builtin;
          export const { ${names.join(", ")} } = builtin;`,
      };
    });
  },
};

/**
 * V8 keeps the text of all that it has loaded, comments and all, and twice as long when a single letter of a file is
 * not Latin. Printed without whitespace, a library has no comments any more; the bundle gives it its lines back.
 * @type {import("esbuild").Plugin}
 */
export const librariesWithoutComments = {
  name: "libraries-without-comments",
  setup(build) {
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const { code } = await transform(text, { minifyWhitespace: true, legalComments: "none" });
      return { contents: code };
    });
  },
};
