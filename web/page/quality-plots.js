// Loss, jitter, round trip and MOS of a call over time, for each direction.
import {h} from "./dom.js";

/** @typedef {import("./board.js").Sample} Sample */
/** @typedef {import("./board.js").Media} Media */

const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];

/** What is drawn: a title, its unit, and what each line takes from a kind of media. */
const CHARTS = /** @type {const} */ ([
  ["Loss", "%", [["received", share("received", "lost")], ["sent", share("sent", "peer_lost")]]],
  ["Jitter", "ms", [["received", plain("jitter_ms")], ["sent", plain("peer_jitter_ms")]]],
  ["Round trip", "ms", [["", plain("rtt_ms")]]],
  ["MOS", "1 to 5", [["received", plain("mos")]]],
]);

/** @param {string} name @returns {(now: any, before: any) => number | null} */
function plain(name) { return now => now[name] ?? null; }

/** @param {string} flowed @param {string} lost @returns {(now: any, before: any) => number | null} */
function share(flowed, lost) {
  return (now, before) => {
    if (!before || now[lost] === null || before[lost] === null) return null;
    const gone = Math.max(0, now[lost] - before[lost]);
    const all = now[flowed] - before[flowed] + (flowed === "received" ? gone : 0);
    return all > 0 ? Math.min(100, gone / all * 100) : 0;
  };
}

class QualityPlots extends HTMLElement {
  connectedCallback() {
    this.resized = new ResizeObserver(() => { for (const one of this.drawn ?? []) one.setSize({width: this.width(), height: 150}); });
    this.resized.observe(this);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.anew = () => { this.lines = ""; this.show(this.samples ?? []); };
    this.scheme.addEventListener("change", this.anew);
    if (this.samples) this.anew();
  }

  disconnectedCallback() {
    this.resized?.disconnect();
    if (this.anew) this.scheme?.removeEventListener("change", this.anew);
  }

  width() { return Math.max(120, this.firstElementChild?.clientWidth ?? 300); }

  /** @param {Sample[]} samples */
  show(samples) {
    this.samples = samples;
    if (!this.isConnected) return;
    if (samples.length < 2) {
      this.replaceChildren(h("p.soft", {}, "What is measured each second is drawn here while the call goes on and this page is open."));
      this.lines = "";
      return;
    }
    const kinds = [...new Set(samples.flatMap(one => one.statistics.map(each => each.kind)))];
    if (this.lines !== kinds.join()) this.draw(kinds);
    const x = samples.map(one => one.at);
    CHARTS.forEach(([, , lines], at) => this.drawn?.[at].setData([x, ...kinds.flatMap(kind => lines.map(([, value]) => samples.map((one, place) => {
      const of = (/** @type {Sample | undefined} */ sample) => sample?.statistics.find(each => each.kind === kind);
      const now = of(one);
      return now ? value(now, of(samples[place - 1])) : null;
    })))]));
  }

  /** @param {string[]} kinds */
  draw(kinds) {
    this.lines = kinds.join();
    const style = getComputedStyle(document.documentElement);
    const ink = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const axis = {stroke: ink("--soft"), grid: {stroke: ink("--rule"), width: 1}, ticks: {show: false}, font: "12px system-ui"};
    const figures = CHARTS.map(([title, unit]) => h("div.plot", {}, h("p.plot-title", {}, title, h("span.soft", {}, ` ${unit}`))));
    this.replaceChildren(...figures);
    this.drawn = CHARTS.map(([title, unit, lines], at) => new uPlot({
      width: this.width(), height: 150, cursor: {drag: {x: false, y: false}}, legend: {live: false},
      scales: {x: {time: false}, y: {range: (/** @type {any} */ plot, /** @type {number} */ low, /** @type {number} */ high) => title === "MOS" ? [1, 5] : [0, Math.max(high ?? 0, 1) * 1.1]}},
      axes: [{...axis, size: 26, values: (/** @type {any} */ plot, /** @type {number[]} */ places) => places.map(one => `${one} s`)}, {...axis, size: 40}],
      series: [{}, ...kinds.flatMap((kind, row) => lines.map(([way], column) => ({
        label: [kind, way].filter(Boolean).join(", "), stroke: ink(COLOURS[(row * 2 + column) % COLOURS.length]), width: 2, points: {show: false}, spanGaps: true,
      })))],
    }, [[]], figures[at]));
    figures.forEach((one, at) => { one.setAttribute("role", "img"); one.setAttribute("aria-label", `${CHARTS[at][0]} over time`); });
  }
}

customElements.define("quality-plots", QualityPlots);
