// Loss, jitter, round trip and MOS of a call over time, for each direction.
import {h} from "./dom.js";
import {timePlot} from "./time-plot.js";

/** @typedef {import("./board.js").Sample} Sample */
/** @typedef {import("./board.js").Media} Media */

/** What is drawn: a title, its unit, and what each line takes from a kind of media. */
const CHARTS = /** @type {const} */ ([
  ["Loss", "%", [["received", share("received", "lost")], ["sent", share("sent", "peer_lost")]]],
  ["Jitter", "ms", [["received", plain("jitter_ms")], ["sent", plain("peer_jitter_ms")]]],
  ["Round trip", "ms", [["", plain("rtt_ms")]]],
  ["MOS", "1 to 5", [["received", plain("mos")], ["sent", plain("peer_mos")]]],
]);

/** @param {string} name @returns {(now: any, before: any) => number | null} */
function plain(name) { return now => now[name] ?? null; }

/** @param {string} flowed @param {string} lost @returns {(now: any, before: any) => number | null} */
function share(flowed, lost) {
  return (now, before) => {
    if (!before || (now[lost] ?? null) === null || (before[lost] ?? null) === null) return null;
    const gone = Math.max(0, now[lost] - before[lost]);
    const all = now[flowed] - before[flowed] + (flowed === "received" ? gone : 0);
    return all > 0 ? Math.min(100, gone / all * 100) : 0;
  };
}

class QualityPlots extends HTMLElement {
  constructor() {
    super();
    this.plots = CHARTS.map(() => timePlot());
  }

  /** @param {Sample[]} samples */
  show(samples) {
    if (samples.length < 2) {
      this.replaceChildren(h("p.soft", {}, "Nothing was measured yet: that is done each second while media flows."));
      return;
    }
    const kinds = [...new Set(samples.flatMap(one => one.statistics.map(each => each.kind)))];
    const x = samples.map(one => one.at);
    if (this.firstElementChild !== this.plots[0]) this.replaceChildren(...this.plots);
    CHARTS.forEach(([title, unit, lines], at) => this.plots[at].show({
      title, unit, x, ...(title === "MOS" ? {least: 1, most: 5} : {}),
      lines: kinds.flatMap(kind => lines.map(([way, value]) => ({
        label: [kind, way].filter(Boolean).join(", "),
        values: samples.map((one, place) => {
          const of = (/** @type {Sample | undefined} */ sample) => sample?.statistics.find(each => each.kind === kind);
          const now = of(one);
          return now ? value(now, of(samples[place - 1])) : null;
        }),
      }))).filter(one => title !== "MOS" || one.values.some(value => value !== null)),
    }));
  }
}

customElements.define("quality-plots", QualityPlots);
