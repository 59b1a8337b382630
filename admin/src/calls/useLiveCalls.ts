import { useApi } from "@klapka/kit/api";

/** How often the calls are looked at again, in milliseconds. */
const refresh = 2_000;

/** The calls of this moment. */
export function useLiveCalls() {
  return useApi().query.useQuery("get", "/api/admin/calls", undefined, {
    refetchInterval: refresh,
  });
}
