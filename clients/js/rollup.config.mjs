// Joins the modules of src/ into presign.js: `npm --prefix tests/browser run build`.

import { fileURLToPath } from "node:url";

/** Lines that name a type's module, which have no meaning in one file. */
const TYPE_IMPORT = /^\/\*\* @import .*\*\/\n/gm;

export default {
  input: fileURLToPath(new URL("src/index.js", import.meta.url)),
  output: { file: fileURLToPath(new URL("presign.js", import.meta.url)), format: "es" },
  plugins: [{ name: "without-type-imports", transform: (code) => code.replace(TYPE_IMPORT, "") }],
};
