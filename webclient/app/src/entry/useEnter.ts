import { useRouter } from "@tanstack/react-router";
import { useServices } from "../services.ts";

/**
 * Goes where somebody wanted to before signing in. Only addresses of our own
 * count, so that a link cannot send a person away after the password.
 */
export function useEnter(): (next?: string) => Promise<void> {
  const router = useRouter();
  const { queries, engine } = useServices();
  return async (next) => {
    // The click that signs in is the one that lets later calls be heard.
    engine.unlock();
    queries.clear();
    const target = ownAddress(next);
    if (target.startsWith("/admin/")) location.assign(target);
    else {
      router.history.push(target);
      await router.invalidate();
    }
  };
}

/** The address if it is a path of this site, else the first page. */
export function ownAddress(next: string | undefined): string {
  if (!next?.startsWith("/")) return "/";
  const url = new URL(next, "https://own.invalid");
  return url.origin === "https://own.invalid" ? url.pathname + url.search : "/";
}
