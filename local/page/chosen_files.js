/** @typedef {{ file: File, path: string }} ChosenFile  The path has the names of the folders, as far as they were chosen. */

/**
 * The files that an input has, those of a whole folder too.
 *
 * @param {FileList | null} files
 * @returns {ChosenFile[]}
 */
export function pickedFiles(files) {
  return Array.from(files ?? [], (file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * The files that were dropped, and all that the dropped folders hold. It must be called while the event is handled.
 *
 * @param {DataTransfer | null} transfer
 * @returns {Promise<ChosenFile[]>}
 */
export async function droppedFiles(transfer) {
  const found = Array.from(transfer?.items ?? [], (item) => {
    const entry = item.webkitGetAsEntry?.();
    if (entry) return filesOf(entry);
    const file = item.getAsFile(); // a page's own script may drop files that have no entry
    return file ? [{ file, path: file.name }] : [];
  });
  return (await Promise.all(found)).flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<ChosenFile[]>}
 */
async function filesOf(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  if (isFile(entry)) {
    const file = await new Promise((/** @type {(file: File) => void} */ resolve, reject) => entry.file(resolve, reject));
    return [{ file, path }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const files = [];
  for (;;) {
    // A reader gives some of the entries each time, and none at the end.
    const entries = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (!entries.length) return files;
    files.push(...(await Promise.all(entries.map(filesOf))).flat());
  }
}

/**
 * @param {FileSystemEntry} entry
 * @returns {entry is FileSystemFileEntry}
 */
function isFile(entry) {
  return entry.isFile;
}
