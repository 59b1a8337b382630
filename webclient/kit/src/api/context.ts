import { createContext, useContext } from "react";
import type { Api } from "./client.ts";

/** Hands the page's client down. */
export const ApiContext = createContext<Api | null>(null);

/** The page's typed client. */
export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error("useApi outside ApiContext");
  return api;
}
