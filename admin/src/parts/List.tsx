import { EmptyState, ErrorNotice, matches } from "@klapka/kit/ui";
import { useLanguage } from "@klapka/kit/i18n";
import { Paper, Stack, TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { DataTable, type DataTableColumn, type DataTableSortStatus } from "mantine-datatable";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** A request for a list, as TanStack Query tells of it. */
interface Query<T> {
  data: T[] | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** What a list of the portal needs to be told. */
export interface ListProps<T> {
  /** What is listed, for those who hear the page. */
  label: string;
  query: Query<T>;
  columns: DataTableColumn<T>[];
  idOf: (item: T) => string;
  /** The texts of an item that its search field looks through. */
  textsOf?: (item: T) => string[];
  empty: { icon: ReactNode; title: string; text?: string };
  /** Said before the list is there: "registered 3 of 5". */
  tools?: ReactNode;
}

/** A list that is small enough to be sorted and searched here. */
export function List<T extends object>(props: ListProps<T>) {
  const { t } = useTranslation("admin");
  const language = useLanguage();
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<DataTableSortStatus<T>>({
    columnAccessor: "",
    direction: "asc",
  });
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => input.current?.focus()]]);
  const { textsOf, query } = props;
  const found = (query.data ?? []).filter((i) => !textsOf || matches(search, ...textsOf(i)));
  const items = sort.columnAccessor ? sorted(found, sort, language) : found;
  const nothing = !query.isPending && items.length === 0;
  return (
    <Stack gap="sm">
      <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
      {textsOf && (
        <TextInput
          ref={input}
          type="search"
          maw={320}
          aria-label={t("list.search")}
          placeholder={t("list.search")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      {props.tools}
      <Paper withBorder style={{ overflow: "hidden" }}>
        {nothing ? (
          <EmptyState
            {...props.empty}
            {...(search ? { title: t("list.noMatch"), text: t("list.noMatchHint") } : {})}
          />
        ) : (
          <DataTable
            aria-label={props.label}
            records={items}
            columns={props.columns}
            idAccessor={props.idOf}
            fetching={query.isPending}
            minHeight={items.length === 0 ? 160 : 0}
            sortStatus={sort}
            onSortStatusChange={setSort}
            highlightOnHover
            verticalSpacing="sm"
            horizontalSpacing="md"
            noRecordsText=""
          />
        )}
      </Paper>
    </Stack>
  );
}

/** By what the column shows, as the reader's language sorts. */
function sorted<T>(items: T[], by: DataTableSortStatus<T>, language: string): T[] {
  const { compare } = new Intl.Collator(language, { numeric: true });
  const value = (item: T) => {
    const shown = (item as Record<string, unknown>)[String(by.columnAccessor)];
    return typeof shown === "string" || typeof shown === "number"
      ? String(shown)
      : shown
        ? "1"
        : "0";
  };
  const up = items.toSorted((a, b) => compare(value(a), value(b)));
  return by.direction === "asc" ? up : up.reverse();
}
