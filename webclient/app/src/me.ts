import type { Me } from "@klapka/kit/api";
import { useServices } from "./services.ts";

/** Who is signed in. The shell's route sees to it that this is known. */
export function useMe(): Me {
  return useServices().api.query.useSuspenseQuery("get", "/api/me").data;
}
