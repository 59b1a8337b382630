import { useLive } from "@klapka/kit/live";
import { useEffect } from "react";
import { useServices } from "../services.ts";
import type { directions } from "./HistoryPage.tsx";

/** The pages of the user's calls so far; a call that ends is there at once. */
export function useHistoryPages(direction: (typeof directions)[number], search: string) {
  const { api, queries } = useServices();
  const ended = useLive((s) => s.lastEnded);
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ["get", "/api/calls/history"] });
  }, [ended, queries]);
  return api.query.useInfiniteQuery(
    "get",
    "/api/calls/history",
    {
      params: {
        query: {
          ...(direction === "all" ? {} : { direction }),
          ...(search ? { search } : {}),
        },
      },
    },
    {
      pageParamName: "cursor",
      initialPageParam: null, // undefined would be asked for as "0"
      getNextPageParam: (last: { next: string | null }) => last.next ?? undefined,
    },
  );
}
