// What all parts of the page have in common: they look at the board as long as they are shown.
import {Problem} from "./api.js";
import {board} from "./board.js";
import {fill, h, visible} from "./dom.js";
import {paced} from "./pace.js";

export class View extends HTMLElement {
  /** Load anew what may have changed, soon and once at a time. It is the way of all that events have a view load. */
  renew = paced(() => this.isConnected && this.load());

  constructor() {
    super();
    this.look = () => this.update();
    /** @type {[EventTarget, string, EventListener][]} */
    this.heard = [];
  }

  connectedCallback() {
    if (!this.childElementCount) this.build();
    board.addEventListener("change", this.look);
    this.hear(board, "gap", this.renew);
    this.update();
  }

  disconnectedCallback() {
    board.removeEventListener("change", this.look);
    for (const [target, name, listener] of this.heard.splice(0)) target.removeEventListener(name, listener);
  }

  /** Hear something as long as this is shown. @param {EventTarget} target @param {string} name @param {(event: any) => void} listener */
  hear(target, name, listener) {
    target.addEventListener(name, listener);
    this.heard.push([target, name, listener]);
  }

  /** Make what is shown. */
  build() {}

  /** Ask for what is shown that events do not tell. @returns {any} */
  load() {}

  /** Show what has changed. */
  update() {}
}

/** Do what a button is for, and tell what keeps it from being done. @param {() => Promise<any>} work */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    notify(error instanceof Problem || error instanceof Error ? error.message : String(error), "bad");
    return undefined;
  }
}

/** Tell something that goes away by itself. @param {string} text @param {string} [tone] @param {boolean} [stays] until somebody has seen it */
export function notify(text, tone = "", stays = false) {
  let place = document.querySelector(".notices");
  if (!place) {
    place = h("div.notices", {role: "status", "aria-live": "polite"});
    document.body.append(/** @type {Element} */ (place));
  }
  if ([...place?.children ?? []].some(one => one.firstChild?.textContent === visible(text))) return;  // it is told already
  const notice = h("p.notice", {}, text, h("button.plain", {type: "button", "aria-label": "Dismiss", onclick: () => notice.remove()}, "×"));
  if (tone) notice.classList.add(tone);
  place?.append(notice);
  if (!stays) setTimeout(() => notice.remove(), 8000);
}

/**
 * Say that there is nothing to show, and where to go from there.
 * @param {Element} place @param {string} title @param {string} text
 * @param {"h1" | "h2"} [heading] what the title is: the page's, or that of a part
 * @param {{href: string, words: string}} [way]
 */
export function nothing(place, title, text, heading = "h2", way) {
  fill(place, h("div.empty", {}, h(`${heading}.empty-title`, {}, title), h("p", {}, text), way && h("p", {}, h("a", {href: way.href}, way.words))));
}
