import { useApi, type RecordQuery } from "@klapka/kit/api";
import type { RecordFilters } from "../router.tsx";

/** The pages of call records so far. */
export function useRecords(filters: RecordFilters) {
  return useApi().query.useInfiniteQuery(
    "get",
    "/api/admin/records",
    { params: { query: toQuery(filters) } },
    {
      pageParamName: "cursor",
      initialPageParam: null, // undefined would be asked for as "0"
      getNextPageParam: (last: { next: string | null }) => last.next ?? undefined,
    },
  );
}

/**
 * The request for what the address says: days become moments in the reader's
 * time zone, the last day included whole.
 */
export function toQuery({ since, until, search, extension, cause }: RecordFilters): RecordQuery {
  return {
    ...(search ? { search } : {}),
    ...(extension ? { extension } : {}),
    ...(cause ? { cause } : {}),
    ...(since ? { since: midnight(since, 0) } : {}),
    ...(until ? { until: midnight(until, 1) } : {}),
  };
}

function midnight(day: string, daysLater: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).toISOString();
}
