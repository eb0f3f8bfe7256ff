// Before somebody logs out: whoever talks in a call is asked, since that ends too.
import {endTalk, fate} from "./live-media.js";
import {asked} from "./question.js";

/** Find out whether this person still wants to log out when they know what becomes of the call in which they talk, and end their part of it. */
export async function isReady() {
  const becomes = fate("log out");
  if (becomes && !await asked(becomes, "Log out", "Stay")) return false;
  endTalk();  // while the board still knows who they are
  return true;
}
