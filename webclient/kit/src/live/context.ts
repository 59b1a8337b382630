import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Live, LiveStore } from "./store.ts";

/** Hands the page's live store down. */
export const LiveContext = createContext<LiveStore | null>(null);

/** The part of the live state that select picks; renders when it changes. */
export function useLive<T>(select: (state: Live) => T): T {
  const store = useContext(LiveContext);
  if (!store) throw new Error("useLive outside LiveContext");
  return useStore(store, select);
}
