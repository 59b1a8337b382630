import type { CauseCode } from "@klapka/kit/api";
import { Button, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconFilterOff, IconSearch } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { RecordFilters } from "../router.tsx";

const causes = [
  "normal",
  "no_answer",
  "busy",
  "declined",
  "cancelled",
  "unreachable",
  "not_in_service",
  "forbidden",
  "congested",
  "incompatible",
  "media_timeout",
  "network",
  "protocol",
  "shutdown",
  "restart",
  "loop",
  "fault",
] as const satisfies CauseCode[];

/** The filters; whatever is set stands in the address, to be kept or sent. */
export function RecordFilterBar({ filters }: { filters: RecordFilters }) {
  const { t } = useTranslation(["admin", "kit"]);
  const navigate = useNavigate({ from: "/records" });
  const set = (part: RecordFilters) =>
    void navigate({ search: (now) => ({ ...now, ...part }), replace: true });
  const setSoon = useDebouncedCallback(set, 300);
  const any = Object.values(filters).some(Boolean);
  return (
    <Group gap="sm" align="flex-end" role="search" aria-label={t("records.filters")}>
      <TextInput
        // Clearing the filters makes these fields anew.
        key={`search ${String(any)}`}
        type="search"
        label={t("records.search")}
        leftSection={<IconSearch size={16} aria-hidden />}
        defaultValue={filters.search}
        onChange={(event) => setSoon({ search: event.currentTarget.value || undefined })}
      />
      <TextInput
        key={`extension ${String(any)}`}
        w={120}
        label={t("people.extension")}
        inputMode="numeric"
        defaultValue={filters.extension}
        onChange={(event) => setSoon({ extension: event.currentTarget.value || undefined })}
      />
      <Select
        label={t("records.outcome")}
        placeholder={t("records.any")}
        clearable
        clearButtonProps={{ "aria-label": t("records.any") }}
        data={causes.map((c) => ({ value: c, label: t(`kit:cause.${c}`) }))}
        value={filters.cause ?? null}
        onChange={(value) => set({ cause: causes.find((c) => c === value) })}
      />
      <TextInput
        type="date"
        label={t("records.since")}
        max={filters.until}
        value={filters.since ?? ""}
        onChange={(event) => set({ since: event.currentTarget.value || undefined })}
      />
      <TextInput
        type="date"
        label={t("records.until")}
        min={filters.since}
        value={filters.until ?? ""}
        onChange={(event) => set({ until: event.currentTarget.value || undefined })}
      />
      {any && (
        <Button
          variant="subtle"
          leftSection={<IconFilterOff size={18} aria-hidden />}
          onClick={() => void navigate({ search: {} })}
        >
          {t("records.clear")}
        </Button>
      )}
    </Group>
  );
}
