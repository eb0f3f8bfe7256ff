// What a visitor sees whom nobody knows.
import {h, say} from "./dom.js";
import {session} from "./session.js";

class LogIn extends HTMLElement {
  /** What is wrong with the token that was tried before this is shown. */
  fault = "";
  told = h("p.bad-text", {role: "alert"});

  connectedCallback() {
    if (this.childElementCount) return;
    const token = h("input", {type: "password", required: true, autocomplete: "current-password", id: "token"});
    this.tell(this.fault);
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const given = token.value.trim();
      try {
        await session.logIn(given.split("#token=").at(-1) ?? given);
      } catch (error) {
        this.tell(error instanceof Error ? error.message : String(error));
        token.select();
      }
    };
    this.append(h("main.log-in", {}, h("form.card", {onsubmit: submit},
      h("h1.wordmark", {}, "Callboard"),
      h("p", {}, "Paste the link that Callboard printed when it started, or a token that its operator has given you."),
      h("label", {for: "token"}, "Link or token"), token, this.told,
      h("button.primary", {type: "submit"}, "Log in"))));
    token.focus();
  }

  /** Say what is wrong. @param {string} text */
  tell(text) { say(this.told, text); }
}

customElements.define("log-in", LogIn);
