// The last step: draws the joined delays as an SVG file. Plot needs a document to draw into; xmldom has one without a browser.
import { writeFile } from "node:fs/promises";
import * as Plot from "@observablehq/plot";
import { DOMImplementation, type Element, XMLSerializer } from "@xmldom/xmldom";
import { action, type Context, type StepContext } from "dotflow";
import type { AirportReport } from "./join.ts";

/** Writes the file named by the initial context. A step that was cut off runs again: then it writes the same file again. */
export const drawChart = action(
  { name: "chart" },
  async function drawChart(previous: Context<AirportReport[]>, step: StepContext<string>): Promise<AirportReport[]> {
    await writeFile(step.initial.storage, svgOf(previous.storage));
    return previous.storage;
  },
);

function svgOf(airports: readonly AirportReport[]): string {
  const document = new DOMImplementation().createDocument("http://www.w3.org/1999/xhtml", "html");
  const drawn: unknown = Plot.plot({
    document,
    width: 900,
    height: 520,
    marginTop: 80,
    marginLeft: 180,
    marginRight: 40,
    marginBottom: 44,
    style: "background: white; font-size: 12px",
    x: { label: "minutes late →", labelAnchor: "right", grid: true, zero: true, nice: true, axis: "bottom" },
    y: { label: null, domain: airports.toSorted((a, b) => b.mean - a.mean).map(nameOf) },
    marks: [
      Plot.ruleX([0]),
      Plot.link(airports, { x1: "expected", x2: "mean", y: nameOf, stroke: colourOf, strokeWidth: 3 }),
      Plot.tickX(airports, { x: "expected", y: nameOf, strokeWidth: 2, inset: 6 }),
      Plot.dot(airports, { x: "mean", y: nameOf, fill: colourOf, r: 6 }),
      heading("How late flights from the busiest airports arrive", { dy: -56, fontSize: 18, fontWeight: "bold" }),
      heading("Dot: mean of the flights from there, January to June 2001.", { dy: -32 }),
      heading("Line: usual in the whole country at the hours at which they depart.", { dy: -14 }),
    ],
  });
  const svg = drawn as Element;
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new XMLSerializer().serializeToString(svg);
}

function nameOf({ place, code }: AirportReport): string {
  return `${place} (${code})`;
}

function colourOf({ mean, expected }: AirportReport): string {
  return mean > expected ? "#c4402f" : "#2f6fc4";
}

function heading(text: string, options: Plot.TextOptions): Plot.Text {
  return Plot.text([text], { frameAnchor: "top-left", dx: -170, textAnchor: "start", ...options });
}
