import { createContext } from "react";

/** The project whose page this is, and whose media the tokens in a content name. */
export const ProjectContext = createContext("");
