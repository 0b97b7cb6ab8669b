// The closing line of a test run, `N passed, M failed, K skipped`, from vitest's JSON report.
// Exit code 1 when a test failed, none ran, or one was skipped although none may be (--none-skipped).
import { readFileSync } from "node:fs";

const [reportPath, option] = process.argv.slice(2);
const counts = countTests(reportPath);
if (option === "--none-skipped" && counts.skipped > 0) {
  console.log("Here every test must run, and some were skipped.");
  process.exitCode = 1;
}
if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);

/** @param {string | undefined} path */
function countTests(path) {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, testResults: { status: string, assertionResults: unknown[] }[] }} */
  let report;
  try {
    report = JSON.parse(readFileSync(path ?? "", "utf8"));
  } catch {
    console.log("The test run left no report: it did not come to its end.");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that cannot be loaded holds no tests, and has failed all the same.
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
