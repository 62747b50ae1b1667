/** @import { UnfinishedUpload } from "./clients/js/src/index.js" */
/** @import { ChosenFile } from "./chosen_files.js" */
import { droppedFiles, pickedFiles } from "./chosen_files.js";
import { PresignClient } from "./clients/js/src/index.js";
import { byId } from "./elements.js";
import { FileList } from "./file_list.js";
import { MessageList } from "./message_list.js";
import { keyOf, pathOf } from "./text.js";
import { UploadCard } from "./upload_card.js";

/** @type {Promise<{ prefix: string, token: string }> | undefined} */
let session;

const client = new PresignClient({
  endpoint: new URL("v1/presign", location.href).href,
  getToken: async ({ refresh }) => (await getSession(refresh)).token,
});
const files = new FileList(client, async () => (await getSession()).prefix);
const messages = new MessageList();

const pickers = ["picker", "folder-picker"].map((id) => /** @type {HTMLInputElement} */ (byId(id)));
const drop = byId("drop");

/** @type {Map<string, UploadCard>} */
const cards = new Map();

/** @param {ChosenFile[] | Promise<ChosenFile[]>} chosen */
async function addFiles(chosen) {
  const { prefix } = await getSession().catch(() => ({ prefix: "" })); // then each card tells of it
  try {
    for (const { file, path } of await chosen) {
      const key = keyOf(prefix, file, path);
      (cards.get(key) ?? unfinishedCard(file) ?? addCard(key, path, file)).start(file);
    }
  } catch (error) {
    byId("drop-hint").textContent = `A file or a folder can't be read: ${/** @type {Error} */ (error).message}`;
  }
}

/**
 * The card of an upload that waits for its file. One of a folder goes on with the file alone.
 *
 * @param {File} file
 */
function unfinishedCard({ name, size, lastModified }) {
  return [...cards.values()].find(({ file, description }) => {
    const isSame = description.name === name && description.size === size && description.lastModified === lastModified;
    return !file && isSame;
  });
}

/**
 * @param {string} key
 * @param {string} path
 * @param {File | UnfinishedUpload} description
 */
function addCard(key, path, description) {
  const card = new UploadCard(key, path, description, { client, chooseFile: () => pickers[0].click(), stored, remove });
  cards.set(key, card);
  byId("uploads").append(card.element);
  byId("uploads-section").hidden = false;
  return card;
}

/** @param {string} key */
async function stored(key) {
  messages.expect(key);
  await files.showSoon();
}

/** @param {UploadCard} card */
function remove({ key, element }) {
  const hadFocus = element.contains(document.activeElement);
  element.remove();
  cards.delete(key);
  byId("uploads-section").hidden = cards.size === 0;
  if (hadFocus) byId(cards.size ? "uploads-title" : "files-title").focus();
}

async function showUnfinished() {
  const [{ prefix }, uploads] = await Promise.all([getSession(), client.unfinished()]);
  for (const upload of uploads.filter(({ key }) => !cards.has(key))) {
    addCard(upload.key, pathOf(prefix, upload.key), upload).showUnfinished(upload.loaded ?? 0);
  }
}

/** @param {boolean} [refresh] */
function getSession(refresh = false) {
  if (refresh) session = undefined;
  session ??= fetch("session").then((answer) => answer.json());
  session.catch(() => (session = undefined));
  return session;
}

for (const picker of pickers) {
  picker.addEventListener("change", () => {
    addFiles(pickedFiles(picker.files));
    picker.value = "";
  });
}
for (const type of ["dragenter", "dragover"]) {
  addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const type of ["dragleave", "drop"]) addEventListener(type, () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  addFiles(droppedFiles(event.dataTransfer));
});
addEventListener("beforeunload", (event) => {
  if ([...cards.values()].some((card) => card.isRunning)) event.preventDefault();
});

files.show();
messages.show().catch(() => {}); // a page without messages is complete
showUnfinished().catch(() => {}); // so is one that does not know its user
