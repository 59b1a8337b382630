import { useNavigate } from "@tanstack/react-router";
import { useServices } from "../services.ts";

/** Ends the session here and at the exchange. */
export function useSignOut(): () => Promise<void> {
  const { api, queries } = useServices();
  const navigate = useNavigate();
  return async () => {
    // Whatever the answer, this page must forget; an ended session refuses too.
    await api.http.DELETE("/api/session").catch(() => undefined);
    queries.clear();
    await navigate({ to: "/sign-in" });
  };
}
