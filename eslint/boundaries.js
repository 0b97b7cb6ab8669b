import { dirname, relative, resolve, sep } from "node:path";
import { domainPackages, layers, privatePackages } from "./layers.js";

const publicApi = ["watchkeeper", "watchkeeper/testing"];

/**
 * Refuses imports against the layers, whether static, dynamic, re-exported, for a type or required.
 * Works on where a path leads, not on how it is spelled.
 * @type {import("eslint").Rule.RuleModule}
 */
export const boundaries = {
  meta: {
    type: "problem",
    docs: { description: "imports flow one way between the layers" },
    schema: [{ type: "object", properties: { root: { type: "string" } } }],
  },
  create(context) {
    const root = context.options[0].root;
    const importer = place(root, context.filename);
    if (!importer) return {};
    /**
     * @param {any} source
     * @param {boolean} [typeOnly]
     */
    const look = (source, typeOnly = false) => {
      const name = source?.type === "Literal" ? source.value : source?.literal?.value;
      if (typeof name !== "string") return;
      const message = refusal({ root, importer, file: context.filename, name, typeOnly });
      if (message) context.report({ node: source, message });
    };
    return {
      /** @param {any} node */
      ImportDeclaration: (node) => look(node.source, node.importKind === "type"),
      ExportNamedDeclaration: (node) => look(node.source),
      ExportAllDeclaration: (node) => look(node.source),
      ImportExpression: (node) => look(node.source),
      /** @param {any} node */
      TSImportType: (node) => look(node.source ?? node.argument, true),
      'CallExpression[callee.name="require"]': (/** @type {any} */ node) => look(node.arguments[0]),
    };
  },
};

/**
 * @typedef {{ area: "src" | "skill" | "tests" | "top", layer: string, test: boolean }} Place
 *   layer: the folder or file directly under src/, the skill's name, or the top-level folder.
 */

/**
 * @param {string} root
 * @param {string} path
 * @returns {Place | undefined} undefined outside the checkout
 */
function place(root, path) {
  const parts = relative(root, path).split(sep);
  const [first, second] = parts;
  if (first === undefined || first === "..") return undefined;
  // What tests of one folder share is a fixture.
  const test = /(?:\.test|-fixture)\.ts$/.test(path);
  if (first === "src" && second)
    return { area: "src", layer: second.replace(/(\.test)?\.ts$/, ""), test };
  if (first === "skills" && second) return { area: "skill", layer: second, test };
  if (first === "tests") return { area: "tests", layer: "tests", test: true };
  return { area: "top", layer: first, test };
}

/**
 * @param {{ root: string, importer: Place, file: string, name: string, typeOnly: boolean }} look
 * @returns {string | undefined}
 */
function refusal({ root, importer, file, name, typeOnly }) {
  if (importer.area === "tests") return undefined;
  const isPath = name.startsWith(".") || name.startsWith("/");
  const target = isPath ? place(root, resolve(dirname(file), name)) : undefined;
  if (isPath && !target) return "imports must stay inside this repository";
  if (importer.area === "src") {
    return target ? refuseInSource(importer, target) : refusePackage(importer, name, typeOnly);
  }
  if (importer.area === "skill") return refuseInSkill(importer, target, name);
  if (importer.layer === "agent.config.ts" && target) {
    return 'agent.config.ts imports only "watchkeeper", as a user\'s would';
  }
  return undefined;
}

/**
 * @param {Place} importer
 * @param {Place} target
 */
function refuseInSource(importer, target) {
  if (importer.test && (target.area === "tests" || target.layer === "testing")) return undefined;
  if (target.area !== "src") return `src/ must not import from ${target.layer}`;
  if (target.layer === importer.layer) return undefined;
  const allowed = layers[importer.layer];
  if (!allowed) return `src/${importer.layer} has no place in eslint/layers.js yet`;
  return allowed.includes(target.layer)
    ? undefined
    : `${importer.layer} must not import ${target.layer} (see eslint/layers.js)`;
}

/**
 * @param {Place} importer
 * @param {string} name
 * @param {boolean} typeOnly
 */
function refusePackage(importer, name, typeOnly) {
  if (publicApi.includes(name)) return "inside src/ import the file itself, not the public API";
  if (importer.test) return undefined;
  if (importer.layer === "domain" && !domainPackages.some((one) => isOrIsUnder(name, one))) {
    return `domain must not import ${name}: it decides, it does not look at the world`;
  }
  for (const [packageName, { usedIn, typesIn }] of Object.entries(privatePackages)) {
    const allowed = typeOnly ? [...usedIn, ...typesIn] : usedIn;
    if (isOrIsUnder(name, packageName) && !allowed.includes(importer.layer)) {
      return `${packageName} stays behind the port of ${usedIn.join(", ")}`;
    }
  }
  return undefined;
}

/**
 * @param {Place} importer
 * @param {Place | undefined} target
 * @param {string} name
 */
function refuseInSkill(importer, target, name) {
  if (!target) {
    return name === "watchkeeper/testing" && !importer.test
      ? "only a skill's tests import watchkeeper/testing"
      : undefined;
  }
  if (target.area === "skill" && target.layer === importer.layer) return undefined;
  if (target.area === "tests" && importer.test) return undefined;
  return 'a skill imports only "watchkeeper", packages and its own files';
}

/**
 * @param {string} name
 * @param {string} packageName
 */
function isOrIsUnder(name, packageName) {
  return name === packageName || name.startsWith(`${packageName}/`);
}
