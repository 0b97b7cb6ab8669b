/**
 * A better-sqlite3 transaction whose body returns a promise throws, and what the body wrote stays
 * written, outside any transaction. The types allow it, so a rule must not.
 * @type {import("eslint").Rule.RuleModule}
 */
export const synchronousTransactions = {
  meta: {
    type: "problem",
    docs: { description: "the body of a database transaction is synchronous" },
    schema: [],
    messages: {
      promised: "A transaction's body must be synchronous: its writes would happen outside of it.",
    },
  },
  create(context) {
    const services = context.sourceCode.parserServices;
    /** @param {any} node */
    const returnsPromise = (node) =>
      node.async === true ||
      services
        .getTypeAtLocation(node)
        .getCallSignatures()
        .some((/** @type {import("typescript").Signature} */ signature) =>
          isThenable(signature.getReturnType()),
        );
    return {
      'CallExpression[callee.property.name="transaction"]': (/** @type {any} */ node) => {
        const body = node.arguments[0];
        if (body && returnsPromise(body)) context.report({ node: body, messageId: "promised" });
      },
    };
  },
};

/**
 * @param {import("typescript").Type} type
 * @returns {boolean}
 */
function isThenable(type) {
  const members = type.isUnion() ? type.types : [type];
  return members.some((member) => member.getProperty("then") !== undefined);
}
