// Joins the modules of src/ into presign.js: `make clients`.
import { fileURLToPath } from "node:url";

/** Lines that name a type of another module, which have no meaning in one file. */
const TYPE_IMPORT = /^\/\*\* @(?:import |typedef \{import\().*\*\/\n/gm;

export default {
  input: { presign: fileURLToPath(new URL("src/index.js", import.meta.url)) },
  output: { format: "es" },
  plugins: [{ name: "without-type-imports", transform: (code) => code.replace(TYPE_IMPORT, "") }],
};
