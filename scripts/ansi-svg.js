// Draws the last lines of a recorded terminal as SVG: text that is selected, searched and read aloud as text.

const cell = { width: 8.4, height: 18 };
const margin = { x: 16, top: 44, bottom: 14 };
const colours = {
  ground: "#16181d",
  bar: "#24272e",
  text: "#d7dae0",
  dim: "#868c98",
  31: "#ff6b68",
  32: "#7bd88f",
  33: "#f4bf63",
  34: "#7aa2f7",
  35: "#c792ea",
  36: "#67c7d9",
};

const escape = "\u001b";
const sequence = new RegExp(`(${escape}\\[[\\d;?]*[A-Za-z])`);
const lookSequence = new RegExp(`^${escape}\\[([\\d;]*)m$`);

/**
 * @typedef {{ text: string, colour: string, bold: boolean }} Span text of one look within a line
 */

/**
 * The lines of a terminal's output, each as spans. Knows the colours, bold and dim; other escape
 * sequences are dropped.
 * @param {string} output as a terminal got it
 * @returns {Span[][]}
 */
export function readLines(output) {
  /** @type {{ colour: string, bold: boolean, dim: boolean }} */
  const look = { colour: colours.text, bold: false, dim: false };
  return output
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => {
      /** @type {Span[]} */
      const spans = [];
      for (const part of line.split(sequence)) {
        const codes = lookSequence.exec(part);
        if (codes) for (const code of (codes[1] ?? "").split(";")) change(look, Number(code));
        else if (part !== "" && !part.startsWith(escape)) {
          spans.push({ text: part, colour: look.dim ? colours.dim : look.colour, bold: look.bold });
        }
      }
      return spans;
    });
}

/**
 * @param {{ colour: string, bold: boolean, dim: boolean }} look
 * @param {number} code of an SGR sequence
 */
function change(look, code) {
  if (code === 0) Object.assign(look, { colour: colours.text, bold: false, dim: false });
  else if (code === 1) look.bold = true;
  else if (code === 2) look.dim = true;
  else if (code === 22) Object.assign(look, { bold: false, dim: false });
  else if (code === 39) look.colour = colours.text;
  else if (code >= 31 && code <= 36) look.colour = colours[/** @type {31} */ (code)];
}

/**
 * @param {object} options
 * @param {Span[][]} options.lines
 * @param {number} options.columns width of the terminal in characters
 * @param {string} options.title what the picture shows, for who cannot see it
 * @returns {string} an SVG document
 */
export function drawSvg({ lines, columns, title }) {
  const width = Math.ceil(columns * cell.width + 2 * margin.x);
  const height = margin.top + lines.length * cell.height + margin.bottom;
  const rows = lines.map((spans, index) => {
    const y = margin.top + (index + 1) * cell.height - 5;
    const parts = spans.map(
      ({ text, colour, bold }) =>
        `<tspan fill="${colour}"${bold ? ' font-weight="bold"' : ""}>${escaped(text)}</tspan>`,
    );
    const length = spans.reduce((sum, { text }) => sum + [...text].length, 0);
    const textLength = `textLength="${(length * cell.width).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`;
    return length === 0
      ? ""
      : `<text x="${margin.x}" y="${y}" ${textLength} xml:space="preserve">${parts.join("")}</text>\n`;
  });
  const buttons = ["#ff5f57", "#febc2e", "#28c840"].map(
    (colour, index) => `<circle cx="${20 + index * 20}" cy="15" r="6" fill="${colour}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="${colours.ground}"/>
<path d="M0 30V8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v22z" fill="${colours.bar}"/>
${buttons.join("\n")}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
${rows.join("")}</g>
</svg>
`;
}

/** @param {string} text */
const escaped = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
