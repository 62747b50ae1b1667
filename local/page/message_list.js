import { byId, fromTemplate } from "./elements.js";

const SHOWN = 5;
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 8000;

/** The event may come before the answer to the upload. */
const EARLY_MS = 5000;

/** @typedef {{ id: string, service: string, time: string, content: any }} Message  Sent by the function. */

/** The last messages that the function has sent about files. */
export class MessageList {
  /** When the uploads ended whose messages are still to come, by their keys. @type {Map<string, number>} */
  #expected = new Map();
  #pauseMs = FIRST_PAUSE_MS;
  #isLooking = false;

  /** @returns {Promise<Message[]>} */
  async show() {
    /** @type {Message[]} */
    const all = await fetch("messages").then((answer) => answer.json());
    const messages = all.filter(({ content }) => content?.event?.key);
    byId("messages").replaceChildren(...messages.slice(0, SHOWN).map(messageElement));
    byId("messages-section").hidden = messages.length === 0;
    return messages;
  }

  /**
   * Look for the message about an object for some seconds, ever more seldom; there is none where nothing is delivered.
   *
   * @param {string} key
   */
  async expect(key) {
    this.#expected.set(key, Date.now());
    this.#pauseMs = FIRST_PAUSE_MS;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#expected.size && this.#pauseMs <= LAST_PAUSE_MS) {
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
      this.#pauseMs *= 2;
      for (const { time, content } of await this.show().catch(() => [])) {
        const endedAt = this.#expected.get(content.event.key) ?? Infinity;
        if (Date.parse(time) > endedAt - EARLY_MS) this.#expected.delete(content.event.key);
      }
    }
    this.#expected.clear();
    this.#isLooking = false;
  }
}

/** @param {Message} message */
function messageElement({ service, time, content: { event, answer } }) {
  const element = fromTemplate("message-template");
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  part(".name").textContent = event.key.split("/").at(-1);
  part(".state").textContent = `Sent to the ${service} ${new Date(time).toLocaleString()}`;
  /** @type {HTMLAnchorElement} */ (part(".open")).href = answer.url;
  part(".open").setAttribute("aria-label", `Open: ${event.key}`);
  return element;
}
