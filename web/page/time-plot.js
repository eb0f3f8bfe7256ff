// Lines over time, drawn by the library that the load report uses.
import {h} from "./dom.js";

/**
 * @typedef {{label: string, values: (number | null)[]}} Line
 * @typedef {{title: string, unit: string, least?: number, most?: number, x: number[], lines: Line[]}} Drawing
 */

const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5"];
const HEIGHT = 160;

class TimePlot extends HTMLElement {
  /** @type {Drawing | null} */
  drawing = null;
  labels = "";

  connectedCallback() {
    this.classList.add("plot");
    this.resized = new ResizeObserver(() => this.plot?.setSize({width: this.width(), height: HEIGHT}));
    this.resized.observe(this);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.anew = () => { this.labels = ""; if (this.drawing) this.show(this.drawing); };
    this.scheme.addEventListener("change", this.anew);
    this.anew();
  }

  disconnectedCallback() {
    this.resized?.disconnect();
    if (this.anew) this.scheme?.removeEventListener("change", this.anew);
    this.plot?.destroy();
    this.plot = null;
    this.labels = "";
  }

  width() { return Math.max(120, this.clientWidth || 300); }

  /** @param {Drawing} drawing */
  show(drawing) {
    this.drawing = drawing;
    if (!this.isConnected) return;
    const labels = JSON.stringify(drawing.lines.map(one => one.label));
    if (labels !== this.labels) this.draw(drawing, labels);
    this.plot.setData([drawing.x, ...drawing.lines.map(one => one.values)]);
  }

  /** @param {Drawing} drawing @param {string} labels */
  draw({title, unit, least = 0, most, lines}, labels) {
    this.labels = labels;
    const style = getComputedStyle(document.documentElement);
    const ink = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const axis = {stroke: ink("--soft"), grid: {stroke: ink("--rule"), width: 1}, ticks: {show: false}, font: "12px system-ui"};
    this.plot?.destroy();
    this.replaceChildren(h("p.plot-title", {}, title, h("span.soft", {}, ` ${unit}`)));
    this.setAttribute("role", "img");
    this.setAttribute("aria-label", `${title} over time`);
    this.plot = new uPlot({
      width: this.width(), height: HEIGHT, cursor: {drag: {x: false, y: false}}, legend: {live: false, show: lines.length > 1 || Boolean(lines[0]?.label)},
      scales: {x: {time: false}, y: {range: (/** @type {any} */ plot, /** @type {number} */ low, /** @type {number} */ high) => [least, most ?? Math.max(high ?? 0, 1) * 1.1]}},
      axes: [{...axis, size: 26, values: (/** @type {any} */ plot, /** @type {number[]} */ places) => places.map(one => `${one} s`)}, {...axis, size: 44}],
      series: [{}, ...lines.map((one, place) => ({label: one.label, stroke: ink(COLOURS[place % COLOURS.length]), width: 2, points: {show: false}, spanGaps: true}))],
    }, [[]], this);
  }
}

/** @returns {TimePlot} */
export function timePlot() { return /** @type {TimePlot} */ (document.createElement("time-plot")); }

customElements.define("time-plot", TimePlot);
