// A question that has to be answered before something is done.
import {h} from "./dom.js";

/**
 * Ask, and wait for the answer; no answer is none.
 * @param {string} words the question, and what happens
 * @param {string} yes @param {string} no what the buttons say
 * @returns {Promise<boolean>}
 */
export function asked(words, yes, no) {
  return new Promise(done => {
    const button = (/** @type {string} */ style, /** @type {string} */ text, /** @type {string} */ answer) =>
      h(`button${style}`, {type: "button", onclick: () => dialog.close(answer)}, text);
    const dialog = h("dialog.question", {"aria-labelledby": "question"}, h("p", {id: "question"}, words),
      h("div.line", {}, button("", no, ""), button(".danger", yes, "yes")));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
    // Whoever is logged out meanwhile leaves no question behind.
    document.querySelector("callboard-app")?.append(dialog);
    dialog.showModal();
  });
}
