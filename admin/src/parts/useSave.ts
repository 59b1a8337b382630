import { ApiError } from "@klapka/kit/api";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

/** What saving tells the form it belongs to. */
export interface Save {
  pending: boolean;
  error: unknown;
  /** Does the work; true says that it succeeded. */
  run: (work: () => Promise<unknown>, done: string) => Promise<boolean>;
  reset: () => void;
}

/**
 * Runs a change, tells of its success and refreshes everything on show. Faults
 * that belong to a field go to setErrors, and are not repeated above the form.
 */
export function useSave(setErrors?: (fields: Record<string, string>) => void): Save {
  const queries = useQueryClient();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  return {
    pending,
    error,
    reset: () => setError(null),
    run: async (work, done) => {
      setPending(true);
      setError(null);
      try {
        await work();
        notifications.show({ color: "green", message: done });
        await queries.invalidateQueries();
        return true;
      } catch (failure) {
        const fields = failure instanceof ApiError ? failure.fields : {};
        setErrors?.(fields);
        if (!setErrors || Object.keys(fields).length === 0) setError(failure);
        return false;
      } finally {
        setPending(false);
      }
    },
  };
}
