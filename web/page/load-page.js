// A load run while it goes on: its phases, rates, times, errors and thresholds, and how it went so far.
import {post} from "./api.js";
import {badge} from "./avatar.js";
import {board} from "./board.js";
import {fill, h, say} from "./dom.js";
import {session} from "./session.js";
import {timePlot} from "./time-plot.js";
import {attempt, View} from "./view.js";
import {clock, number, seconds} from "./words.js";

/** Activities and times, as people say them. @type {Record<string, string>} */
const NAMES = {
  login: "logins", logout: "logouts", call: "calls", message: "messages", presence: "presence changes",
  "call.setup": "call setup", "call.media": "call to first media", "message.delivery": "message delivery", "message.receipt": "message receipt",
  "presence.returned": "presence returned", "generator.lag": "generator's lag",
};
const TIMES = ["login", "call.setup", "call.media", "message.delivery", "message.receipt", "presence.returned"];

class LoadPage extends View {
  plots = {online: timePlot(), rates: timePlot(), failures: timePlot(), times: timePlot()};

  build() {
    this.heading = h("h1", {}, "");
    this.state = h("span.badges", {});
    this.stop = h("span", {});
    this.facts = h("p.soft.figures", {"aria-live": "off"});
    this.verdict = h("section.card", {hidden: true});
    this.phases = h("ol.phases", {});
    this.rates = h("section.card", {});
    this.times = h("section.card", {});
    this.errors = h("section.card", {});
    this.checks = h("section.card", {});
    this.append(
      h("div.page-head", {}, this.heading, this.state, this.stop), this.facts, this.verdict,
      h("section.card", {}, h("h2", {}, "Phases"), this.phases), this.checks, this.rates, this.times, this.errors,
      h("section.card", {}, h("h2", {}, "So far"), h("div.plots", {}, ...Object.values(this.plots))));
  }

  update() {
    const {run, verdict} = board;
    if (!run) return;
    const {load} = run;
    say(this.heading, run.file.split("/").at(-1) ?? "");
    const word = verdict ? verdict.status : board.link === "lost" ? "not reached" : run.state;
    fill(this.state, badge(word, {running: "good", passed: "good", starting: "busy", ending: "busy"}[word] ?? "bad"));
    this.showStop(run.state, Boolean(verdict));
    const lost = run.parts.filter(one => one.state === "failed").map(one => `${one.name}: ${one.detail}`);
    say(this.facts, [clock(load.elapsed), `${number(run.accounts.by_state.online ?? 0, 0)} of ${number(run.accounts.total, 0)} accounts online`,
      board.link === "over" ? "" : run.calls.total === 1 ? "1 call goes on" : `${number(run.calls.total, 0)} calls go on`, `server ${run.server.address}`, ...lost].filter(Boolean).join(" · "));
    this.showVerdict(verdict);
    this.showPhases(load);
    this.tables(load);
    this.draw();
  }

  /** @param {string} state @param {boolean} isOver */
  showStop(state, isOver) {
    const now = `${state} ${isOver} ${session.may("control")}`;
    if (this.stop.dataset.now === now) return;
    this.stop.dataset.now = now;
    const stop = (/** @type {boolean} */ at_once) => () => attempt(async () => { await post("/api/stop", {now: at_once}); await board.refresh(); });
    fill(this.stop, session.may("control") && !isOver && (state === "ending"
      ? h("button.danger", {type: "button", onclick: stop(true)}, "Stop at once")
      : h("button.danger", {type: "button", onclick: stop(false), title: "Begin nothing new, let running calls end, and write the report"}, "Stop")));
  }

  /** @param {import("./board.js").Verdict | null} verdict */
  showVerdict(verdict) {
    this.verdict.hidden = !verdict;
    if (!verdict || this.verdict.childElementCount) return;
    fill(this.verdict, h("div", {role: "status"}, h("h2", {}, verdict.sentence)), ...verdict.warnings.map(one => h("p", {}, one)),
      h("p.soft", {}, "The run is over. What is shown here is what was heard of it last; with --out, a report was written."));
  }

  /** @param {import("./board.js").LoadSummary} load */
  showPhases(load) {
    fill(this.phases, ...load.phases.map(one => {
      const took = one.began === null ? 0 : (one.ended ?? load.elapsed) - one.began;
      const done = one.state === "ended" ? 1 : one.began === null ? 0 : Math.min(.99, took / Math.max(.1, one.planned));
      const words = one.state === "skipped" ? "did not begin" : one.state === "waiting" ? `planned: ${seconds(one.planned)}` : one.state === "ended" ? `took ${seconds(took)}` : `${seconds(took)} of ${seconds(one.planned)}`;
      const row = h("li.phase", {}, h("span.row-title", {}, one.title), h("progress", {max: 1, value: done, "aria-label": one.title}), h("span.figures.soft", {}, words));
      row.classList.add(one.state);
      return row;
    }));
  }

  /** @param {import("./board.js").LoadSummary} load */
  tables(load) {
    fill(this.rates, h("h2", {}, "Rates"), table("Rates", ["", "a second now", "started", "good", "failed", "dropped"],
      load.rates.map(one => [NAMES[one.name] ?? one.name, number(one.per_second), ...[one.started, one.ok, one.failed, one.dropped].map(each => number(each, 0))]), "Nothing was started yet."));
    fill(this.times, h("h2", {}, "How long it takes"), table("How long it takes", ["", "95 % now", "median", "95 %", "99 %", "longest"],
      load.times.map(one => [NAMES[one.name] ?? one.name, ...[one.now, one.p50, one.p95, one.p99, one.max].map(each => each === null ? "–" : seconds(each))]), "Nothing was measured yet."));
    fill(this.errors, load.errors.length > 0 && h("h2", {}, "Most frequent errors"), load.errors.length > 0 && table("Most frequent errors", ["what", "why", "how often"],
      load.errors.map(one => [one.what, one.why, number(one.count, 0)]), ""));
    fill(this.checks, load.checks.length > 0 && h("h2", {}, "What has to hold"), load.checks.length > 0 && h("ul.checks", {}, ...load.checks.map(one =>
      h("li", {}, badge(one.held ? "holds" : one.value === null ? "not measured yet" : "does not hold", one.held ? "good" : one.value === null ? "" : "bad"),
        h("span", {}, one.text, one.value !== null && h("span.soft", {}, ` · ${one.value}`))))));
  }

  draw() {
    const {points} = board;
    if (points.length < 2) return;
    const x = points.map(one => one.at);
    const each = (/** @type {"started" | "failed"} */ what) => [...new Set(points.flatMap(one => Object.keys(one[what])))].map(name =>
      ({label: NAMES[name] ?? name, values: points.map(one => one[what][name] ?? 0)}));
    const some = (/** @type {import("./time-plot.js").Line[]} */ lines) => lines.length ? lines : [{label: "nothing", values: points.map(() => 0)}];
    this.plots.online.show({title: "Online, and calls", unit: "", x, lines: [
      {label: "accounts online", values: points.map(one => one.online)}, {label: "calls", values: points.map(one => one.calls)}]});
    this.plots.rates.show({title: "Started", unit: "a second", x, lines: some(each("started"))});
    this.plots.failures.show({title: "Failed", unit: "a second", x, lines: some(each("failed"))});
    this.plots.times.show({title: "How long it takes", unit: "ms, 95 %", x, lines: some(TIMES.filter(name => points.some(one => name in one.p95)).map(name =>
      ({label: NAMES[name] ?? name, values: points.map(one => name in one.p95 ? one.p95[name] * 1000 : null)})))});
  }
}

/** @param {string} name @param {string[]} heads @param {string[][]} rows @param {string} none */
function table(name, heads, rows, none) {
  if (!rows.length) return h("p.soft", {}, none);
  return h("div.scroll", {tabIndex: 0, role: "region", "aria-label": name}, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(one => one ? h("th", {scope: "col"}, one) : h("td", {})))),
    h("tbody", {}, ...rows.map(([first, ...others]) => h("tr", {}, h("th", {scope: "row"}, first), ...others.map(one => h("td", {}, one)))))));
}

customElements.define("load-page", LoadPage);
