// The page: who is visiting, and what is shown where.
import "./account-list.js";
import "./call-dock.js";
import "./call-list.js";
import "./call-page.js";
import "./conversation-list.js";
import "./conversation-view.js";
import "./history-page.js";
import "./load-page.js";
import "./log-in.js";
import "./log-page.js";
import "./ring-bell.js";
import {noAccount} from "./account-list.js";
import {signedOut} from "./api.js";
import {board} from "./board.js";
import {fill, h, say} from "./dom.js";
import {endTalk} from "./live-media.js";
import {isReady} from "./log-out.js";
import {forget} from "./offers.js";
import {session} from "./session.js";
import {nothing, notify} from "./view.js";
import {second} from "./words.js";

/** How a page comes back. */
const RETURN = "This page goes on by itself if Callboard comes back at the same address. Without an address in its file (web: address), "
  + "it prints a new link when it starts.";
/** What somebody is told who has logged out while Callboard was not there. */
const NOT_ENDED = "You are logged out on this page. Callboard does not answer, so your visit has not ended there yet: this browser ends it "
  + "when the page is opened, or loaded again, while Callboard answers. It ends by itself twelve hours after you logged in.";
/** What somebody is told whom the board knows no more. */
const GONE = "You were logged out: your visit is over, or the token that you came with is gone. Log in with a link or a token that is good now.";
/** How the page and the board are connected; what comes second is left out where there is little room. @type {Record<string, string[]>} */
const LINKS = {live: ["live"], connecting: ["connecting …"], lost: ["no connection", ", trying again …"], over: ["the run is over"]};

class CallboardApp extends HTMLElement {
  /** Why somebody has to log in who did not ask for it. */
  fault = "";
  dock = document.createElement("call-dock");

  async connectedCallback() {
    session.addEventListener("change", () => this.enter());
    signedOut.addEventListener("change", () => {
      if (!session.visit) return;
      session.visit = null;
      this.fault = GONE;
      this.enter();
    });
    addEventListener("hashchange", () => {
      if (location.hash.startsWith("#token=")) this.begin();
      else if (session.visit) this.route();
    });
    board.addEventListener("change", () => this.update());
    board.addEventListener("problem", event => notify(/** @type {CustomEvent} */ (event).detail.message, "bad"));
    board.addEventListener("restart", event => this.tellEnded(/** @type {CustomEvent} */ (event).detail));
    for (const name of ["click", "submit"]) this.addEventListener(name, event => this.hold(event), {capture: true});
    await this.begin();
  }

  /** Keep what needs the board from being begun while it is not there. @param {Event} event */
  hold(event) {
    const target = /** @type {Element} */ (event.target);
    const began = board.lostAt && target.closest("main, call-dock") && target.closest("button, form");
    if (!began || began.matches("[data-here]") || (event.type === "click" && began.localName === "form")) return;
    event.preventDefault();
    event.stopPropagation();
    notify("Callboard does not answer, so nothing was done.", "bad");
  }

  /** Say that what is shown may hold no more, and which buttons do nothing now. */
  showLost() {
    const isLost = Boolean(board.lostAt);
    this.classList.toggle("lost", isLost);
    const how = board.wasStopped ? "Callboard was stopped at" : "Callboard has not answered since";
    say(this.lost, board.lostAt ? `${how} ${second(board.lostAt.toISOString())}. What is shown was so before, and may have changed. ${RETURN}` : "");
    for (const one of this.querySelectorAll(/** @type {"button"} */ (":is(main, call-dock) button:not([data-here])"))) {
      if (isLost) one.setAttribute("aria-disabled", one.dataset.lost = "true");
      else if (one.dataset.lost) { one.removeAttribute("aria-disabled"); delete one.dataset.lost; }
    }
  }

  /** Say that calls have ended since Callboard has: no event tells of that. @param {import("./board.js").Call[]} calls */
  tellEnded(calls) {
    if (!calls.length) return;
    notify(`Callboard has ended and started anew. ${calls.length === 1 ? "The call" : `The ${calls.length} calls`} of before ended with it.`, "bad", true);
  }

  async begin() {
    this.fault = "";
    try {
      await session.begin();
    } catch (error) {
      this.fault = error instanceof Error ? error.message : String(error);
      if (session.visit) notify(this.fault, "bad");
    }
    this.enter();
  }

  enter() {
    const isNew = Boolean(this.querySelector("log-in"));
    if (!session.visit) {
      board.stop();
      endTalk();
      board.forget();
      session.forget();
      forget();
      document.querySelector(".notices")?.replaceChildren();
      document.title = "Callboard";
      fill(this, h("log-in", {fault: this.fault}));
      this.fault = "";
      return;
    }
    this.build();
    board.start();
    this.route();
    if (isNew) this.main.focus({preventScroll: true});  // who has logged in goes on with the content
  }

  /** Log out, and name no more where the visitor was: another one may come. */
  async leave() {
    history.replaceState(null, "", "#/");
    try {
      await session.logOut();
    } catch {
      /** @type {any} */ (this.querySelector("log-in"))?.tell(NOT_ENDED);
    }
  }

  build() {
    this.isLoad = Boolean(board.run);
    const link = (/** @type {string} */ place, /** @type {string} */ words) => h("a", {href: `#/${place}`, "data-place": place}, words);
    this.link = h("span.link-state", {role: "status"});
    this.count = h("span.count", {});
    const calls = link("calls", "Calls");
    calls.append(this.count);
    this.lost = h("p.lost-note", {role: "status"});
    this.main = h("main", {id: "main", tabIndex: -1});
    fill(this,
      h("a.skip", {href: "#main", onclick: (/** @type {Event} */ event) => { event.preventDefault(); this.main.focus(); }}, "Skip to the content"),
      h("header.top", {}, h("a.wordmark", {href: "#/"}, "Callboard"),
        h("nav", {"aria-label": "Main"}, ...(board.run ? [link("", "Load run")] : [link("", "Accounts"), calls, link("history", "History")]),
          session.may("control") && link("log", "Log")),
        h("span.visitor", {}, h("ring-bell"), this.link, h("span.badge", {title: "What you may do here"}, `may ${session.visit?.role ?? ""}`),
          h("button.plain.small", {type: "button", onclick: async () => await isReady() && this.leave()}, "Log out"))),
      this.lost, this.main, this.dock);
    this.update();
  }

  update() {
    if (!this.link || !session.visit) return;
    if (this.isLoad !== Boolean(board.run)) {
      this.build();
      this.route();
      return;
    }
    if (this.link.dataset.now !== board.link) {
      const [word, more] = LINKS[board.link] ?? [];
      fill(this.link, word, more && h("span.wide", {}, more));
      this.link.dataset.now = board.link;
    }
    queueMicrotask(() => this.showLost());  // once all others show what they show
    say(this.count, board.calls.size ? String(board.calls.size) : "");
    const rings = [...board.calls.values()].filter(one => one.direction === "in" && one.phase === "ringing").length;
    document.title = rings ? `(${rings}) Callboard` : "Callboard";
  }

  route() {
    const [, place = "", ...names] = location.hash.split("/");
    const [first = "", second = ""] = names.map(decodeURIComponent);
    for (const one of this.querySelectorAll("nav a")) {
      const here = one.getAttribute("data-place") === (place === "accounts" ? "" : place);
      if (here) one.setAttribute("aria-current", "page"); else one.removeAttribute("aria-current");
    }
    switch (place) {
      case "calls": fill(this.main, first ? make("call-page", {call: first, account: second, class: "page"}) : h("call-list.page")); break;
      case "history": fill(this.main, h("history-page.page")); break;
      case "log": fill(this.main, session.may("control") ? h("log-page.page") : nothingHere()); break;
      case "": case "accounts": if (board.run) fill(this.main, h("load-page.page")); else this.conversations(first, second); break;
      default: nothing(this.main, "There is no such page", "Its address may be of another version, or mistyped.", "h1", {href: "#/", words: "Go to the beginning"});
    }
    /** @type {any} */ (this.dock).update();
    this.showLost();
  }

  /** @param {string} account @param {string} peer */
  conversations(account, peer) {
    const known = this.main.querySelector(".board");
    const place = known ?? h("div.board", {}, h("account-list.column"), h("div.column.second"), h("div.column.third"));
    place.classList.toggle("has-account", Boolean(account));
    place.classList.toggle("has-peer", Boolean(peer));
    const [, second, third] = place.children;
    const list = /** @type {any} */ (second.firstElementChild);
    if (!account) noAccount(second);
    else if (list?.getAttribute("account") !== account) fill(second, make("conversation-list", {account}));
    else list.update();
    if (peer) fill(third, make("conversation-view", {account, peer}));
    else fill(third);
    if (!known) fill(this.main, h("h1.hidden", {}, "Accounts and conversations"), place);
    else /** @type {any} */ (place.firstElementChild).update();
  }
}

/** What those see who may not read the log. */
function nothingHere() {
  const place = h("div", {});
  nothing(place, "You may not read the log", "Log in with a token of the role control for that.", "h1");
  return place;
}

/** Make an element whose attributes are there from the beginning. @param {string} name @param {Record<string, string>} attributes */
function make(name, attributes) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

customElements.define("callboard-app", CallboardApp);
