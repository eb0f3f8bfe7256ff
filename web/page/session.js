// Who the visitor is: a token from the link becomes a cookie, which no script can read.
import {ask, Problem} from "./api.js";

/** @typedef {{role: string, expires: number | null}} Visit */

/** Where the browser keeps that a visit is over that Callboard does not know yet. */
const LEFT = "left";
/** Milliseconds that Callboard may take for that. */
const PATIENCE = 10000;

const ROLES = ["view", "listen", "control", "talk"];

class Session extends EventTarget {
  constructor() {
    super();
    /** @type {Visit | null} */
    this.visit = null;
    this.forget();
  }

  /** Keep nothing any more of what a visitor has done here: another one may come. */
  forget() {
    /** What the visitor has written and not sent, by account and peer. @type {Map<string, string>} */
    this.drafts = new Map();
    /** What the visitor has searched past calls for, by the names of the fields. @type {Record<string, FormDataEntryValue>} */
    this.searched = {};
    /** Calls that are heard as soon as they connect. @type {Set<string>} */
    this.awaited = new Set();
    /** Calls that the visitor has answered without talking: they are theirs to hang up. @type {Set<string>} */
    this.answered = new Set();
  }

  /** @param {string} role */
  may(role) {
    return this.visit !== null && ROLES.indexOf(this.visit.role) >= ROLES.indexOf(role);
  }

  /** Log in with the token of the link, or find out whether the visitor is logged in already. */
  async begin() {
    const [, token, place = ""] = /^#token=([^/]+)(\/.*)?$/.exec(location.hash) ?? [];
    if (token) {
      history.replaceState(null, "", place ? `${location.pathname}#${place}` : location.pathname);
      await this.logIn(decodeURIComponent(token));
      return;
    }
    try {
      if (localStorage.getItem(LEFT)) await this.leave();
      this.visit = await ask("GET", "/api/session");
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      this.visit = null;
    }
  }

  /** @param {string} token */
  async logIn(token) {
    this.visit = await ask("POST", "/api/session", {token});
    localStorage.removeItem(LEFT);  // the visit that was left has lost its cookie to this one
    this.dispatchEvent(new Event("change"));
  }

  /** Log out: on this page at once, and with Callboard as soon as it answers. */
  async logOut() {
    this.visit = null;
    localStorage.setItem(LEFT, "yes");
    this.dispatchEvent(new Event("change"));
    await this.leave();
  }

  /** Have Callboard end the visit: only it can take back the cookie. */
  async leave() {
    try {
      await ask("DELETE", "/api/session", undefined, AbortSignal.timeout(PATIENCE));
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;  // else it has ended before
    }
    localStorage.removeItem(LEFT);
  }
}

export const session = new Session();
