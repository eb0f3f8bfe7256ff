// A recording of a past call, both of its sides, played together.
import {file} from "./api.js";
import {fill, h} from "./dom.js";
import {clock, size} from "./words.js";

/** Seconds that the two sides may be apart before the second one follows the first. */
const APART = 0.15;

class RecordingPlayer extends HTMLElement {
  constructor() {
    super();
    /** @type {any} */
    this.file = null;
    this.call = "";
    this.number = 0;
  }

  connectedCallback() {
    if (this.childElementCount) return;
    const {file} = this;
    const target = `/api/recordings/${encodeURIComponent(this.call)}/${this.number}`;
    const is_there = file.presence === "present";
    const head = h("div.bar", {}, h("h2", {}, "Recording"), h("span.soft", {}, `${clock(file.seconds)} · ${size(file.octets)}`),
      is_there && h("a.button", {href: `${target}?download=true`, download: ""}, "Download"));
    const words = {removed: "It was removed, as keep: in the file says.", missing: "Its file was moved or removed.", none: "There is no file."};
    fill(this, h("section.card", {}, head, file.failure && h("p.bad-text", {}, file.failure),
      is_there ? this.sides(target) : h("p.soft", {}, words[/** @type {keyof typeof words} */ (file.presence)])));
  }

  /** @param {string} target */
  sides(target) {
    if (!/\.(mkv|mka)$/.test(this.file.path ?? "")) return h("audio.wide", {controls: true, preload: "metadata", src: target, "aria-label": "Recording, our side left, the peer's right"});
    const isSound = this.file.path.endsWith(".mka");
    const [theirs, ours] = ["received", "sent"].map(direction => {
      const words = direction === "received" ? "Peer" : "Bot";
      return h(isSound ? "audio.wide" : "video", {controls: direction === "received", preload: "metadata", playsInline: true, src: `${target}?direction=${direction}`, "aria-label": `${words}'s side`});
    });
    const together = () => { if (Math.abs(ours.currentTime - theirs.currentTime) > APART) ours.currentTime = theirs.currentTime; };
    theirs.addEventListener("play", () => { together(); ours.play().catch(() => {}); });
    theirs.addEventListener("pause", () => ours.pause());
    theirs.addEventListener("seeked", together);
    theirs.addEventListener("timeupdate", together);
    theirs.addEventListener("ratechange", () => { ours.playbackRate = theirs.playbackRate; });
    for (const one of [theirs, ours]) one.addEventListener("error", () => this.tellWhy(one));
    theirs.addEventListener("error", () => { ours.controls = true; });
    // Of sound alone there is nothing to see beside what both are played with.
    return isSound ? h("div", {}, theirs, ours) : h("div.screens", {}, h("figure.screen", {}, theirs, h("figcaption", {}, "Peer")), h("figure.screen", {}, ours, h("figcaption", {}, "Bot")));
  }

  /** Say in the place of a side why it can't be played. @param {HTMLMediaElement} side */
  async tellWhy(side) {
    const whose = side.getAttribute("aria-label");
    const why = await file(side.src, {Range: "bytes=0-0"}).then(() => "This browser can't play it: download the recording.", error => error.message);
    (side.closest("figure") ?? side).replaceWith(h("p.soft", {}, `${whose}: ${why}`));
  }
}

customElements.define("recording-player", RecordingPlayer);
